/** A bug, as the edits that plant it in a copy of the sources. */
export interface Planted {
  readonly name: string;
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly put: string;
}

const edit = (file: string, find: string, put: string): Edit => ({ file, find, put });

export const candidates: readonly Planted[] = [
  {
    name: "a commit does not check the tasks it looked at",
    edits: [
      edit(
        "core/draft.ts",
        "([id]) => !written.has(id))",
        '([id]) => !written.has(id) && !id.startsWith("tasks/"))',
      ),
    ],
  },
  {
    name: "a commit does not check the landings it looked at",
    edits: [
      edit(
        "core/draft.ts",
        "([id]) => !written.has(id))",
        '([id]) => !written.has(id) && !id.startsWith("landings/"))',
      ),
    ],
  },
  {
    name: "a commit does not check which plan is current",
    edits: [
      edit(
        "core/draft.ts",
        "([id]) => !written.has(id))",
        '([id]) => !written.has(id) && id !== "plans/current")',
      ),
    ],
  },
  {
    name: "the look begins before the facts are durable",
    edits: [
      edit(
        "services/dispatcher/pipeline.ts",
        "  await storeFacts(state.looking, told);\n",
        "  storeFacts(state.looking, told).catch(() => {});\n",
      ),
    ],
  },
  {
    name: "versions read are recorded at the finish",
    edits: [
      edit(
        "core/outcome.ts",
        "  return { ...task, ...next, runs, queuedFor: null };",
        "  const reads = Object.fromEntries(\n    Object.entries(task.reads).map(([table, days]) => [\n      table,\n      Object.fromEntries(\n        Object.entries(days).map(([day, read]) => {\n          const found = landingOf(deciding.draft, table, day);\n          return [day, found === null ? read : `${found.version.epoch}.${found.version.n}`];\n        }),\n      ),\n    ]),\n  );\n  return { ...task, ...next, runs, reads, queuedFor: null };",
      ),
    ],
  },
  {
    name: "slots are freed when a cancel is asked for",
    edits: [
      edit(
        "core/work.ts",
        "!isLive(after.state)) {\n    for (const pool of releaseSlots",
        '(!isLive(after.state) || after.state.kind === "cancelling")) {\n    for (const pool of releaseSlots',
      ),
    ],
  },
  {
    name: "a job that found its output there has always succeeded",
    edits: [
      edit(
        "core/outcome.ts",
        'if (step.effect === "fills" && currentRun(task) === 1) {',
        'if (step.effect === "fills") {',
      ),
    ],
  },
  {
    name: "a partition that is gone is forgotten",
    edits: [
      edit(
        "core/landings.ts",
        "  return { ...document, partitions: { ...document.partitions, [partition]: landing } };",
        '  const { [partition]: _, ...others } = document.partitions;\n  return {\n    ...document,\n    partitions: landing.state === "gone" && known !== undefined ? others : { ...others, [partition]: landing },\n  };',
      ),
    ],
  },
  {
    name: "events are acked before what they tell is committed",
    edits: [
      edit(
        "services/dispatcher/pipeline.ts",
        "  await storeFacts(state.looking, told);\n",
        "  for (const delivery of batch) delivery.ack();\n  await storeFacts(state.looking, told);\n",
      ),
    ],
  },
  {
    name: "events are acked after the facts, before the look",
    edits: [
      edit(
        "services/dispatcher/pipeline.ts",
        "  await storeFacts(state.looking, told);\n",
        "  await storeFacts(state.looking, told);\n  for (const delivery of batch) delivery.ack();\n",
      ),
    ],
  },
  {
    name: "a landing does not reach the last output of its window",
    edits: [
      edit(
        "core/dependents.ts",
        "addDays(start, deciding.settings.unboundedLookback - 1) : outputs.end;",
        "addDays(start, deciding.settings.unboundedLookback - 1) : start < outputs.end ? addDays(outputs.end, -1) : start;",
      ),
    ],
  },
  {
    name: "a window is read from one day too late",
    edits: [
      edit(
        "core/readiness.ts",
        "return { range: { start: wanted.start, end: wanted.end }, bounded: true };",
        "const start = wanted.start < wanted.end ? addDays(wanted.start, 1) : wanted.start;\n    return { range: { start, end: wanted.end }, bounded: true };",
      ),
    ],
  },
  {
    name: "a step that left the plan keeps its slots",
    edits: [
      edit(
        "core/pools.ts",
        "if (step === undefined) return releaseJobs(deciding, task);",
        "if (step === undefined) return [];",
      ),
    ],
  },
  {
    name: "the hold on a rewritten table is given back while it is being loaded",
    edits: [edit("core/pools.ts", "  return isBeingRead || (task.state", "  return (task.state")],
  },
  {
    name: "the hold on a rewritten table is kept when nothing will load it",
    edits: [
      edit(
        "core/pools.ts",
        "  return STATUS[task.state.kind].terminal\n    ? [...freed, ...releasePassedOn(deciding, task, step)]\n    : freed;",
        '  return task.state.kind === "succeeded"\n    ? [...freed, ...releasePassedOn(deciding, task, step)]\n    : freed;',
      ),
    ],
  },
  {
    name: "a job's id does not say the attempt",
    edits: [edit("core/claim.ts", "task.bornAt, run, attempt].join", "task.bornAt, run].join")],
  },
  {
    name: "a job's id does not say the run",
    edits: [edit("core/claim.ts", "task.bornAt, run, attempt].join", "task.bornAt, attempt].join")],
  },
  {
    name: "a day that another config reads is skipped for a newer one",
    edits: [
      edit(
        "core/supersede.ts",
        'if (step.strategy !== "latest-only" || isReadElsewhere(deciding, step)) return null;',
        'if (step.strategy !== "latest-only") return null;',
      ),
    ],
  },
  {
    name: "a range that was cancelled does not give back what it covered",
    edits: [
      edit(
        "core/cover.ts",
        '    if (contained.state.kind !== "covered" || contained.state.by !== task.id) return [];',
        '    if (contained.state.kind !== "covered" || contained.state.by !== task.id) return [];\n    if (task.state.kind === "cancelled") return [];',
      ),
    ],
  },
  {
    name: "a range that failed does not give back what it covered",
    edits: [
      edit(
        "core/cover.ts",
        '    if (contained.state.kind !== "covered" || contained.state.by !== task.id) return [];',
        '    if (contained.state.kind !== "covered" || contained.state.by !== task.id) return [];\n    if (task.state.kind === "failed") return [];',
      ),
    ],
  },
  {
    name: "a commit whose answer is lost is taken for done",
    edits: [
      edit(
        "services/dispatcher/look.ts",
        "    documents.forget(changes);\n",
        '    documents.forget(changes);\n    if (answer.kind === "unknown") return result;\n',
      ),
    ],
  },
  {
    name: "after a conflict only what would be written is read again",
    edits: [
      edit(
        "services/dispatcher/documents.ts",
        "    forget({ writes, checks }) {\n      for (const { id } of writes) known.delete(id);\n      for (const { id } of checks) known.delete(id);",
        '    forget({ writes, checks }) {\n      for (const { id } of writes) known.delete(id);\n      for (const { id } of checks) if (!id.startsWith("plans/")) known.delete(id);',
      ),
    ],
  },
  {
    name: "an outcome of an earlier attempt is taken for the live one's",
    edits: [
      edit(
        "core/outcome.ts",
        "if (!isLive(state) || state.run !== settled.run || state.attempt !== settled.attempt) return null;",
        "if (!isLive(state)) return null;",
      ),
      edit("core/outcome.ts", "  if (state.jobId !== settled.jobId) return null;\n", ""),
    ],
  },
  {
    name: "a claim is submitted however late",
    edits: [
      edit(
        "services/dispatcher/execute.ts",
        "executing.clock.now() < state.submitBy; pauseMs",
        "executing.clock.now() < state.submitBy + 3_600_000; pauseMs",
      ),
    ],
  },
  {
    name: "a job nobody knows yet is reported cancelled at once",
    edits: [
      edit(
        "services/dispatcher/execute.ts",
        'if (answer === "unknown" && never) {',
        'if (answer === "unknown") {\n      void never;',
      ),
    ],
  },
  {
    name: "a recreated table's versions are compared by number alone",
    edits: [
      edit(
        "core/landings.ts",
        "return a.epoch === b.epoch ? a.n - b.n : a.epoch - b.epoch;",
        "return a.n - b.n || a.epoch - b.epoch;",
      ),
    ],
  },
  {
    name: "the cursor moves before what it passed is published",
    edits: [
      edit(
        "services/watcher/follow-delta.ts",
        "    if (pending.length > 0) await following.publish(pending);\n    pending = [];\n    table.cursor = cursor;",
        "    table.cursor = cursor;\n    const telling = pending;\n    pending = [];\n    if (telling.length > 0) await following.publish(telling);",
      ),
    ],
  },
  {
    name: "partitions of a table made anew are not told gone",
    edits: [
      edit(
        "services/watcher/follow-delta.ts",
        "  if (restarted) events.push(...(await goneWithTheOld(following, table.table, seen)));\n",
        "",
      ),
    ],
  },
  {
    name: "a first look is told before it is remembered",
    edits: [
      edit(
        "services/watcher/follow-delta.ts",
        "    table.cursor = await following.begin({ ...cursorAt(table, seen), telling: true });\n    if (table.cursor.telling !== true) return;\n",
        "    table.cursor = { ...cursorAt(table, seen), telling: true };\n",
      ),
    ],
  },
  {
    name: "a job is forgotten before its end is reported",
    edits: [
      edit(
        "services/tracker/pipeline.ts",
        "    const published = await untilDone(tracking, status, async () => {",
        "    await untilDone(tracking, status, () => runner.forget([status.jobId]));\n    const published = await untilDone(tracking, status, async () => {",
      ),
    ],
  },
  {
    name: "an output that cannot be read is reported missing",
    edits: [
      edit(
        "services/tracker/pipeline.ts",
        "    outputs: await outputsOf(tracking, status),",
        "    outputs: await outputsOf(tracking, status).catch(() => []),",
      ),
    ],
  },
  {
    name: "an outcome told again looks at nothing",
    edits: [
      edit(
        "core/decide.ts",
        "  for (const pool of task.held?.pools ?? []) work.freed.add(pool);\n  if (STATUS[task.state.kind].terminal) reachOut(work, task);\n  enqueue(work, task.id);\n}\n\n/** Records",
        "}\n\n/** Records",
      ),
    ],
  },
  {
    name: "a release told again looks at nothing",
    edits: [
      edit(
        "services/dispatcher/plans.ts",
        "          return { problems, before };\n",
        "          return { problems, before: before && null };\n",
      ),
    ],
  },
  {
    name: "a skipped task does not come back with its step",
    edits: [
      edit(
        "services/dispatcher/pipeline.ts",
        '    tasks.push(...(await store.listTasks({ state: "skipped", step, limit: 10_000 })));',
        "    void step;",
      ),
    ],
  },
  {
    name: "readers are looked at before writers",
    edits: [
      edit(
        "core/work.ts",
        "  return order + Math.min(depthsMax - 1, plan.depth(parseTaskId(nudge.task).step));",
        "  return order + depthsMax - 1 - Math.min(depthsMax - 1, plan.depth(parseTaskId(nudge.task).step));",
      ),
    ],
  },
  {
    name: "what is looked at is not ordered by who writes",
    edits: [
      edit(
        "core/work.ts",
        "  return order + Math.min(depthsMax - 1, plan.depth(parseTaskId(nudge.task).step));",
        "  void plan;\n  return order;",
      ),
    ],
  },
  {
    name: "a rewritten table is judged by the day's landing",
    edits: [
      edit(
        "core/claim.ts",
        'if (step.verification === "table") {',
        'if (step.verification === "table" && deciding.now < 0) {',
      ),
    ],
  },
  {
    name: "an attempt is judged by what the run wrote",
    edits: [
      edit(
        "core/claim.ts",
        '      run === last && claiming.step.effect === "fills"\n',
        "      run === last\n",
      ),
    ],
  },
  {
    name: "readers do not wait for a writer that will try again",
    edits: [
      edit(
        "core/readiness.ts",
        "  if (STATUS[state.kind].holdsOutput) {\n    return { because: `${id} is",
        "  if (STATUS[state.kind].live) {\n    return { because: `${id} is",
      ),
    ],
  },
  {
    name: "readers do not wait for a writer that is queued",
    edits: [
      edit(
        "core/readiness.ts",
        "  if (STATUS[state.kind].holdsOutput) {\n    return { because: `${id} is",
        '  if (STATUS[state.kind].holdsOutput && state.kind !== "ready") {\n    return { because: `${id} is',
      ),
    ],
  },
  {
    name: "what a failed writer left is read",
    edits: [
      edit(
        "core/readiness.ts",
        '  if (state.kind === "failed") return { because: `${id} failed`, failedAt: state.at };\n',
        "",
      ),
    ],
  },
  {
    name: "a table is rewritten while it is being loaded",
    edits: [
      edit(
        "core/claim.ts",
        "    liveReader(deciding, task, step);",
        "    (deciding.now < 0 ? liveReader(deciding, task, step) : null);",
      ),
    ],
  },
  {
    name: "a range does not wait for a single day's job",
    edits: [edit("core/claim.ts", "    liveContained(deciding, task) ??\n", "")],
  },
  {
    name: "a single day does not see a range's last day",
    edits: [
      edit(
        "core/claim.ts",
        "id !== task.id && start <= day && day <= end,",
        "id !== task.id && start <= day && day < end,",
      ),
    ],
  },
  {
    name: "a day that fills a hole later is not noticed",
    edits: [
      edit(
        "core/relanding.ts",
        "const isChanged = gone ? read !== undefined : versionText(landing.version) !== read;",
        "const isChanged = read !== undefined && (gone || versionText(landing.version) !== read);",
      ),
    ],
  },
  {
    name: "a failed task is not run again when its input lands again",
    edits: [
      edit(
        "core/relanding.ts",
        'if (task.state.kind === "cancelled" || task.runs.length === 0)',
        'if (task.state.kind === "cancelled" || task.state.kind === "failed" || task.runs.length === 0)',
      ),
    ],
  },
  {
    name: "an older version of a rewritten table is remembered as the newest",
    edits: [
      edit(
        "core/facts.ts",
        "  if (known.newest !== undefined && compareVersions(known.newest, version) >= 0) return;\n",
        "  if (known.newest !== undefined && compareVersions(known.newest, version) === 0) return;\n",
      ),
    ],
  },
  {
    name: "a command that comes again is done again",
    edits: [
      edit(
        "core/command.ts",
        "  if (before?.requestedBy.includes(command.id) === true) return before;\n",
        "",
      ),
    ],
  },
  {
    name: "a day that closes when the next has data is not looked at then",
    edits: [
      edit(
        "core/dependents.ts",
        "  if (closesByNext(deciding, table)) moved.unshift(addDays(partition, -1));\n",
        "  void closesByNext;\n",
      ),
    ],
  },
  {
    name: "a job that landed an output is no landing",
    edits: [
      edit(
        "core/facts.ts",
        "landing === null || table !== step?.output",
        'landing === null || table !== step?.output || step.effect === "fills"',
      ),
    ],
  },
  {
    name: "what waited for a slot is not looked at when one is freed",
    edits: [
      edit(
        "services/dispatcher/look.ts",
        "    rest = [...decided.rest, ...(await queuedFor(looking, decided.freed))];",
        "    rest = [...decided.rest, ...(decided.freed.length > 1 ? await queuedFor(looking, decided.freed) : [])];",
      ),
    ],
  },
  {
    name: "what did not fit a page is dropped after a conflict",
    edits: [
      edit(
        "services/dispatcher/look.ts",
        "    rest = [...decided.rest,",
        "    rest = [...decided.rest.slice(0, 40),",
      ),
    ],
  },
  {
    name: "a cancelled task's cancel is asked for once",
    edits: [
      edit(
        "core/evaluate.ts",
        "      return now < (task.wakeAt ?? 0) ? task : { ...task, wakeAt: askAgainAt(now) };",
        "      return { ...task, wakeAt: null };",
      ),
    ],
  },
  {
    name: "a launch that was not submitted is taken for running",
    edits: [
      edit(
        "core/evaluate.ts",
        "      if (submitted !== state.jobId) return { ...task, ...claimedAgain(deciding, state) };\n",
        "      void submitted;\n      void claimedAgain;\n",
      ),
    ],
  },
  {
    name: "a job is never said to run too long",
    edits: [
      edit(
        "core/evaluate.ts",
        "      if (now < state.timeoutAt) return task;",
        "      if (now < state.timeoutAt * 2) return task;",
      ),
    ],
  },
  {
    name: "an event is dropped when the plan is not known yet",
    edits: [
      edit(
        "services/dispatcher/pipeline.ts",
        "    for (const delivery of batch) delivery.nack();",
        "    for (const delivery of batch) delivery.ack();",
      ),
    ],
  },
  {
    name: "the plan is not read again before a fact is dropped",
    edits: [
      edit(
        "services/dispatcher/pipeline.ts",
        "  if (!facts.every(inPlan)) await plans.refresh();\n",
        "",
      ),
    ],
  },
  {
    name: "waiting tasks are not looked at after a release",
    edits: [
      edit(
        "services/dispatcher/pipeline.ts",
        '  const tasks = [...(await store.listTasks({ state: "waiting", limit: 10_000 }))];',
        "  const tasks: Awaited<ReturnType<typeof store.listTasks>>[number][] = [];",
      ),
    ],
  },
];
