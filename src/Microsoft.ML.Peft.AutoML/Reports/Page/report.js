// The page around the charts: texts, tabs, legend, theme and table.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const palette = ["#2f7ed8", "#e0761a", "#1fa37a", "#c94f9d", "#8e6fd8", "#a88a0e", "#d84f5a", "#3f9fb5"];
  const methods = data.methods.map((method, i) => ({ name: method.name, color: palette[i % palette.length] }));
  const view = { data, methods, colors: Object.fromEntries(methods.map(({ name, color }) => [name, color])), hidden: new Set(), theme: {} };
  const tabs = { curves: "metric", importance: "", parallel: "" };
  const drawn = new Map();

  const byId = id => document.getElementById(id);

  function element(name, text, properties = {}) {
    const made = Object.assign(document.createElement(name), properties);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // A page that is a file may have no storage.
  const memory = {
    get(key) { try { return sessionStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { sessionStorage.setItem(key, value); } catch { /* then it is not remembered */ } },
  };

  function texts() {
    byId("state").textContent = data.state;
    byId("state").classList.add(data.state);
    byId("summary").textContent = data.summary;
    document.title = `${data.metric} ${charts.number(trial(data.best)?.metric) || "…"}: search for soft prompts`;
    byId("error").hidden = !data.error;
    byId("error").textContent = data.error ?? "";
    const failed = data.trials.filter(each => each.status === "failed").length;
    byId("written").textContent = `Written ${new Date(data.written).toLocaleString()}.`;
    const trials = data.trials.filter(each => !each.isBaseline);
    const [best, baseline] = [trial(data.best), trial(data.baseline)];
    const difference = best && baseline ? (best.metric - baseline.metric) * (data.lowerIsBetter ? -1 : 1) : null;
    fact(`Best ${data.metric}`, charts.number(best?.metric) || "none yet", best ? `trial ${best.id}, ${best.method}` : "");
    fact("Baseline", charts.number(baseline?.metric) || "none", baseline?.method ?? "");
    fact("Better than the baseline by", difference === null ? "unknown" : charts.number(difference), difference !== null && difference <= 0 ? "no soft prompt beats it" : "");
    fact("Trials", `${trials.length}${data.maxTrials ? ` of ${data.maxTrials}` : ""}`, failed > 0 ? `${failed} failed` : "none failed");
    fact("Time", charts.time(data.elapsed), data.maxSeconds ? `of ${charts.time(data.maxSeconds)}` : "");
    fact("Rungs (epochs)", data.rungs.join(", "), data.tuner);
    byId("curves-note").textContent = `Validation rows' ${data.curveMetric} or training loss after each epoch; the best trial is drawn bold. A dashed line with a diamond is a trial that failed.`;
  }

  const trial = id => data.trials.find(each => each.id === id);

  function fact(name, value, more) {
    const box = element("div"), answer = element("dd", value);
    if (more) answer.append(element("small", more));
    box.append(element("dt", name), answer);
    byId("facts").append(box);
  }

  function legend() {
    for (const { name, color } of methods) {
      const button = element("button", undefined, { type: "button" });
      const dot = element("i");
      dot.style.background = color;
      button.append(dot, name);
      button.setAttribute("aria-pressed", "true");
      button.onclick = () => {
        const hide = !view.hidden.delete(name);
        if (hide) view.hidden.add(name);
        button.setAttribute("aria-pressed", String(!hide));
        draw();
      };
      byId("legend").append(button);
    }
  }

  function tab(chart, choices) {
    const bar = document.querySelector(`[data-for=${chart}]`);
    if (choices.some(([value]) => value === memory.get(chart))) tabs[chart] = memory.get(chart);
    else tabs[chart] = choices[0][0];
    for (const [value, text] of choices.length > 1 ? choices : []) {
      const button = element("button", text, { type: "button" });
      button.onclick = () => {
        memory.set(chart, tabs[chart] = value);
        mark();
        draw();
      };
      button.value = value;
      bar.append(button);
    }
    const mark = () => bar.querySelectorAll("button").forEach(button => button.setAttribute("aria-pressed", String(button.value === tabs[chart])));
    mark();
  }

  function importanceNote() {
    const found = data.importance.find(each => each.method === (tabs.importance || null)) ?? data.importance[0];
    byId("importance-note").textContent = `How much of the ranking of ${found.trials} trials after ${found.epochs} epochs an option explains alone (first-order sensitivity, leave-one-out). ` +
      "What options do only together, and chance, is left out, so the shares need not add up to 100 %.";
  }

  function show(id, option) {
    const box = byId(id), isText = typeof option === "string";
    if (isText) {
      drawn.get(id)?.dispose();
      drawn.delete(id);
    }
    box.classList.toggle("empty", isText);
    if (isText) box.textContent = option;
    else {
      if (!drawn.has(id)) {
        box.textContent = "";
        drawn.set(id, echarts.init(box, null, { renderer: "svg" }));
      }
      drawn.get(id).setOption(option, true);
    }
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["card", "ink", "soft", "line", "accent", "bad", "bar"]) view.theme[name] = style.getPropertyValue(`--${name}`).trim();
    view.theme.font = getComputedStyle(document.body).fontFamily;
    show("progress", charts.progress(view));
    show("curves", charts.curves(view, tabs.curves));
    show("importance", charts.importance(view, tabs.importance));
    show("parallel", charts.parallel(view, tabs.parallel, byId("parallel").clientWidth));
    show("kilobytes", charts.pareto(view, "kilobytes", "kilobytes"));
    show("milliseconds", charts.pareto(view, "milliseconds", "milliseconds per text"));
    importanceNote();
  }

  const columns = [
    ["Trial", each => each.id, true],
    ["Method", each => each.method, false],
    ["Status", each => each.isBaseline && !each.reason ? "baseline" : each.reason ? `failed: ${each.reason}` : each.status, false],
    [data.metric, each => each.metric, true],
    ["Epochs", each => each.epochs, true],
    ["Rung", each => each.rung, true],
    ["Seconds", each => each.seconds, true],
    ["Kilobytes", each => each.kilobytes, true],
    ["ms per text", each => each.milliseconds, true],
    ["Options", each => Object.entries(each.options).map(([name, value]) => `${name} ${charts.number(value)}`).join(", "), false],
  ];

  function row(each) {
    const line = element("tr");
    if (each.id === data.best) line.className = "best";
    if (each.isBaseline) line.className = "baseline";
    for (const [name, value, isNumber] of columns) {
      const cell = element("td", charts.number(isNumber && name !== "Trial" && value(each) !== null ? Number(value(each).toPrecision(4)) : value(each)));
      cell.className = isNumber ? "number" : name === "Options" ? "text" : "";
      if (name === "Rung" && (each.isBaseline || each.rung < 0)) cell.textContent = "";
      if (name === "Method" && view.colors[each.method]) {
        const dot = element("i");
        dot.style.background = view.colors[each.method];
        cell.prepend(dot);
      }
      if (name === "Trial" && each.id === data.best) cell.textContent = `★ ${each.id}`;
      if (name === "Options" && each.message) cell.append(element("div", each.message, { className: "failed" }));
      line.append(cell);
    }
    return line;
  }

  function table() {
    const head = document.querySelector("#trials thead tr"), body = document.querySelector("#trials tbody");
    const sort = (index, ascending) => {
      const value = columns[index][1];
      const order = (a, b) => a === null || b === null ? (a === null) - (b === null) : (a < b ? -1 : a > b ? 1 : 0) * (ascending ? 1 : -1);
      body.replaceChildren(...[...data.trials].sort((a, b) => order(value(a), value(b))).map(row));
      [...head.children].forEach((th, i) => th.setAttribute("aria-sort", i === index ? (ascending ? "ascending" : "descending") : "none"));
    };
    columns.forEach(([name, , isNumber], index) => {
      const th = element("th", name, { className: isNumber ? "number" : "", scope: "col", tabIndex: 0 });
      const press = () => sort(index, th.getAttribute("aria-sort") !== "ascending");
      th.onclick = press;
      th.onkeydown = key => { if (key.key === "Enter" || key.key === " ") { key.preventDefault(); press(); } };
      head.append(th);
    });
    sort(3, data.lowerIsBetter);
  }

  function theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const set = name => {
      document.documentElement.dataset.theme = name;
      byId("theme").textContent = name === "dark" ? "Light" : "Dark";
    };
    set(memory.get("theme") ?? (dark.matches ? "dark" : "light"));
    dark.onchange = () => { set(dark.matches ? "dark" : "light"); draw(); };
    byId("theme").onclick = () => {
      set(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
      memory.set("theme", document.documentElement.dataset.theme);
      draw();
    };
  }

  function reload() {
    const box = byId("refresh");
    box.hidden = data.state !== "running";
    const input = box.querySelector("input");
    input.checked = memory.get("reload") !== "no";
    input.onchange = () => memory.set("reload", input.checked ? "yes" : "no");
    if (data.state === "running") setInterval(() => { if (input.checked && !document.hidden) location.reload(); }, 5000);
  }

  theme();
  texts();
  legend();
  const each = methods.length > 1 ? methods.map(({ name }) => [name, name]) : [];
  tab("curves", [["metric", data.curveMetric], ["loss", "Training loss"]]);
  tab("importance", [["", "All methods"], ...each]);
  tab("parallel", [["", "All methods"], ...each]);
  table();
  reload();
  draw();
  new ResizeObserver(() => {
    drawn.forEach(chart => chart.resize());
    show("parallel", charts.parallel(view, tabs.parallel, byId("parallel").clientWidth));
  }).observe(document.querySelector("main"));
})();
