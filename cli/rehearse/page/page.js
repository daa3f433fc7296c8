/* Runs in a browser. `echarts` and the element #rehearsal are in the page before it. */
(() => {
  const {
    report,
    rows,
    bars: attempts,
    landings,
    nodes,
    edges,
  } = JSON.parse(document.getElementById("rehearsal").textContent);
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(`--${name}`).trim();
  const dayMs = 86_400_000;
  const hourMs = 3_600_000;
  const onPath = new Set(report.pipelines.flatMap(({ criticalPath }) => criticalPath));
  const all = "all";

  function element(tag, text, className) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className !== undefined) made.className = className;
    return made;
  }

  /** Fills a table; columns: [title, text of a row, class]. */
  function table(id, items, columns) {
    const target = document.getElementById(id);
    const head = element("tr", "");
    for (const [title, , kind] of columns) head.append(element("th", title, kind));
    target.append(head);
    for (const item of items) {
      const line = element("tr", "");
      for (const [, of, kind] of columns) line.append(element("td", of(item), kind));
      target.append(line);
    }
  }

  function summary() {
    const { from, to, tasks, stuck, wallMs } = report;
    document.getElementById("days").textContent = `${from} to ${to}`;
    const counts = Object.entries(tasks).map(([state, count]) => `${count} ${state}`);
    const line = document.getElementById("summary");
    const end = stuck.length === 0 ? "nothing is stuck" : `${stuck.length} would not run`;
    line.textContent = `${counts.join(", ") || "no tasks"}; ${end}. Rehearsed in ${(wallMs / 1000).toFixed(1)} s; times are UTC.`;
    line.className = stuck.length === 0 ? "" : "stuck";
    table("pipelines", report.pipelines, [
      ["pipeline", ({ name }) => name],
      ["tasks", ({ tasks: count }) => count, "number"],
      ["slowest day done after, h", ({ hours }) => hours.toFixed(2), "number"],
      ["critical path of that day", ({ criticalPath }) => criticalPath.join(" → ")],
    ]);
    table("pools", report.pools, [
      ["pool", ({ name }) => name],
      ["limit", ({ limit }) => limit, "number"],
      ["peak of jobs", ({ peak }) => peak, "number"],
    ]);
    table("stuck", stuck, [
      ["task", ({ task }) => task],
      ["why", ({ why }) => why],
    ]);
    document.getElementById("pools-section").hidden = report.pools.length === 0;
    document.getElementById("stuck-section").hidden = stuck.length === 0;
  }

  function options(id, values, names) {
    const select = document.getElementById(id);
    values.forEach((value, at) => {
      const option = element("option", names[at]);
      option.value = value;
      select.append(option);
    });
    return select;
  }

  const text = (value) => echarts.format.encodeHTML(value);
  const time = (at) => new Date(at).toISOString().slice(5, 16).replace("T", " ");

  const outlined = (critical) =>
    critical ? { stroke: colour("critical"), lineWidth: 2 } : { lineWidth: 0 };

  function bar(params, api) {
    const [row, from, to] = [api.value(0), api.value(1), api.value(2)];
    const start = api.coord([from, row]);
    const end = api.coord([to, row]);
    const height = api.size([0, 1])[1] * 0.64;
    const shape = echarts.graphic.clipRectByRect(
      { x: start[0], y: start[1] - height / 2, width: Math.max(2, end[0] - start[0]), height },
      params.coordSys,
    );
    if (shape === undefined) return null;
    const { outcome, critical } = drawn[params.dataIndex];
    const fill = colour(outcome === "succeeded" ? "succeeded" : "failed");
    return { type: "rect", shape: { ...shape, r: 2 }, style: { fill, ...outlined(critical) } };
  }

  let drawn = [];

  function bars(place) {
    return {
      type: "custom",
      renderItem: bar,
      encode: { x: [1, 2], y: 0 },
      data: drawn.map(({ row, from, to }) => [place.get(row), from, to]),
      tooltip: {
        formatter: ({ dataIndex }) => {
          const { task, run, attempt, outcome, error, from, to } = drawn[dataIndex];
          const failed = error === null ? "" : `<br>${text(error)}`;
          return `<b>${text(task)}</b><br>${time(from)} to ${time(to)}<br>run ${run} attempt ${attempt}: ${outcome}${failed}`;
        },
      },
    };
  }

  function landed(place) {
    const seen = landings.filter(({ row }) => place.has(row));
    return {
      type: "scatter",
      symbolSize: 9,
      data: seen.map(({ row, at, late }) => ({
        value: [at, place.get(row)],
        itemStyle: { color: colour(late ? "late" : "landed") },
      })),
      tooltip: {
        formatter: ({ dataIndex }) => {
          const { row, partition, at } = seen[dataIndex];
          return `<b>${text(row)}@${partition}</b><br>lands ${time(at)}`;
        },
      },
    };
  }

  /** The hours after a day, until the last of the jobs that began in them has ended; everything for "all". */
  function zoomOf(day) {
    if (day === all) return {};
    const over = Date.parse(day) + dayMs;
    const ends = drawn
      .filter(({ from }) => over <= from && from < over + dayMs)
      .map(({ to }) => to);
    const endValue = Math.max(over + 2 * hourMs, ...ends) + hourMs / 2;
    return { startValue: over - hourMs / 2, endValue };
  }

  function rowAxis(wanted) {
    const label = { width: 310, overflow: "truncate", fontSize: 11, color: colour("ink") };
    return {
      type: "category",
      inverse: true,
      data: wanted.map(({ id }) => id),
      axisLabel: { ...label, interval: 0 },
      axisTick: { show: false },
      splitArea: { show: true, areaStyle: { color: ["#fff", "#f7f9fb"] } },
    };
  }

  function gantt(chart, { pipeline, day }) {
    const wanted = rows.filter((row) => pipeline === all || row.pipelines.includes(pipeline));
    const place = new Map(wanted.map((row, at) => [row.id, at]));
    drawn = attempts
      .filter(({ row }) => place.has(row))
      .map((one) => ({ ...one, critical: onPath.has(one.task) }));
    const zoom = { xAxisIndex: 0, filterMode: "weakFilter", ...zoomOf(day) };
    chart.clear();
    chart.resize({ height: Math.max(160, wanted.length * 22 + 110) });
    chart.setOption({
      useUTC: true,
      animation: false,
      // Where it is seen however many rows there are.
      grid: { left: 330, right: 30, top: 80, bottom: 16 },
      tooltip: { confine: true },
      xAxis: {
        type: "time",
        position: "top",
        splitLine: { show: true, lineStyle: { color: colour("line") } },
      },
      yAxis: rowAxis(wanted),
      dataZoom: [
        { type: "slider", top: 12, height: 26, showDataShadow: false, ...zoom },
        { type: "inside", zoomOnMouseWheel: "ctrl", ...zoom },
      ],
      series: [bars(place), landed(place)],
    });
  }

  /** Room beside and above the centres of the outermost nodes, in pixels. */
  const margin = { x: 190, y: 24 };

  /** Makes the chart as high as the layout is when its width fits; answers the layout's scale. */
  function fit(chart) {
    const spread = (values) => Math.max(1, Math.max(...values) - Math.min(...values));
    const wide = spread(nodes.map(({ x }) => x));
    const high = spread(nodes.map(({ y }) => y));
    chart.clear();
    chart.resize();
    const scale = Math.min(1, (chart.getWidth() - 2 * margin.x) / wide);
    chart.resize({ height: Math.max(120, high * scale + 2 * margin.y) });
    return scale;
  }

  function graph(chart) {
    const scale = fit(chart);
    const stuck = new Set(report.stuck.map(({ task }) => task.slice(0, task.lastIndexOf("@"))));
    chart.setOption({
      animation: false,
      tooltip: {
        formatter: ({ data, dataType }) => (dataType === "node" ? text(data.id) : ""),
      },
      series: [
        {
          type: "graph",
          layout: "none",
          left: margin.x,
          right: margin.x,
          top: margin.y,
          bottom: margin.y,
          roam: true,
          nodeScaleRatio: 1,
          lineStyle: { color: colour("landed"), width: 1, opacity: 0.7 },
          label: { show: true, color: "#fff", fontSize: 10 },
          emphasis: { focus: "adjacency" },
          data: nodes.map(({ id, x, y, width, height, kind }) => ({
            id,
            name: id,
            x,
            y,
            symbol: "rect",
            symbolSize: [width * scale, height * scale],
            label: { fontSize: 10 * scale },
            itemStyle: {
              color: colour(kind === "table" ? "landed" : stuck.has(id) ? "failed" : "succeeded"),
            },
          })),
          links: edges.map(([source, target]) => ({ source, target })),
        },
      ],
    });
  }

  summary();
  const names = report.pipelines.map(({ name }) => name);
  const pipeline = options("pipeline", [all, ...names], ["all", ...names]);
  const days = [];
  for (let at = Date.parse(report.from); at <= Date.parse(report.to); at += dayMs) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  const day = options("day", [...days, all], [...days, "all"]);
  const ganttChart = echarts.init(document.getElementById("gantt"), null, { height: 200 });
  const graphChart = echarts.init(document.getElementById("graph"), null, { height: 200 });
  const draw = () => gantt(ganttChart, { pipeline: pipeline.value, day: day.value });
  pipeline.addEventListener("change", draw);
  day.addEventListener("change", draw);
  window.addEventListener("resize", () => {
    ganttChart.resize();
    graph(graphChart);
  });
  const slowest = report.pipelines.toSorted((a, b) => b.hours - a.hours)[0]?.criticalPath.at(-1);
  if (slowest !== undefined) day.value = slowest.slice(slowest.lastIndexOf("@") + 1);
  draw();
  graph(graphChart);
})();
