import fc from "fast-check";
import { expect, test } from "vitest";
import { repositoryOf } from "../../bench/compile.ts";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { readers, repositories } from "../support/config-arbitraries.ts";
import { compileFiles, stepsOf } from "../support/configs.ts";

test("the order of files changes nothing, not even the hash", () => {
  const shuffled = repositories.chain((files) =>
    fc.tuple(fc.constant(files), fc.shuffledSubarray(files, { minLength: files.length })),
  );
  fc.assert(
    fc.property(shuffled, ([files, others]) => {
      expect(compileFiles(others)).toEqual(compileFiles(files));
    }),
  );
});

test("compiling never throws, and every step stands on its own", () => {
  fc.assert(
    fc.property(repositories, (files) => {
      const plan = compileFiles(files);
      const ids = plan.steps.map((step) => step.id);
      expect(new Set(ids).size).toBe(ids.length);
      expect([...ids].sort()).toEqual(ids);
      expect(plan.pipelines.flatMap((pipeline) => pipeline.steps).sort()).toEqual(ids);
      for (const step of plan.steps) {
        expect(ids).toEqual(expect.arrayContaining(step.after));
        const names = plan.tables.map((table) => table.name);
        expect(names).toEqual(expect.arrayContaining(step.inputs.map((input) => input.table)));
      }
      const outputs = plan.steps.flatMap((step) =>
        step.output === undefined ? [] : [step.output],
      );
      expect(new Set(outputs).size).toBe(outputs.length);
    }),
  );
});

test("a config that is wrong in itself changes no other's steps", () => {
  const wrong: fc.Arbitrary<string> = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(
      '{"metaData": {"name": "x.bad", "team": "x"}',
      '{"metaData": {"name": "x.bad", "team": "x"}, "sources": 1}',
      '{"metaData": {"name": "../../x", "team": "x", "outputNamespace": "y"}, "sources": [{"events": {"table": "a.b"}}]}',
      '{"metaData": {"name": "x.bad", "team": "x", "outputNamespace": "out"}, "sources": [{"events": {"table": "{{ t }}"}}]}',
    ),
  );
  fc.assert(
    fc.property(repositories, wrong, (files, text) => {
      const bad: ConfigFile = { path: "compiled/group_bys/x/bad", text };
      const others = compileFiles(files).steps;
      expect(compileFiles([...files, bad]).steps).toEqual(others);
    }),
  );
});

test("breaking one file leaves everybody's steps as they were, its own too", () => {
  const breaking = repositories
    .filter((files) => files.length > 0)
    .chain((files) => fc.tuple(fc.constant(files), fc.nat(files.length - 1)));
  fc.assert(
    fc.property(breaking, ([files, at]) => {
      const previous = compileFiles(files);
      fc.pre(previous.problems.length === 0);
      const broken = files.map((file, index) => (index === at ? { ...file, text: "{" } : file));
      expect(compileFiles(broken, { previous }).steps).toEqual(previous.steps);
    }),
  );
});

test("what is reachable from nobody's table changes nobody: a new reader adds only itself", () => {
  fc.assert(
    fc.property(repositories, readers, (files, reader) => {
      const before = compileFiles(files);
      const after = compileFiles([...files, reader]);
      for (const config of new Set(before.steps.map((step) => step.config))) {
        expect(stepsOf(after, config)).toEqual(stepsOf(before, config));
      }
    }),
  );
});

test("the repository of the benchmark is a good one, and every config has steps", () => {
  const files = repositoryOf(200);
  const plan = compileFiles(files);
  expect(plan.problems).toEqual([]);
  expect(new Set(plan.steps.map((step) => step.conf.path)).size).toBe(files.length);
  expect(
    plan.steps.filter((step) => step.inputs.some((input) => input.producedBy !== undefined)).length,
  ).toBeGreaterThan(100);
});
