"use strict";
(() => {
  // Everything that comes from the trace becomes text by textContent, never markup.
  const data = JSON.parse(document.getElementById("data").textContent);
  const begin = data.begin ? Date.parse(data.begin) : 0;
  const START = 0, RUN = 1, KIND = 2, PATH = 3, TEXT = 4, BAD = 5, ID = 6, CALL = 7;
  const rows = data.rows;
  // What can't be seen must not be obeyed: controls, bidi, zero width, surrogates.
  const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\u2028\u2029]/gu;

  const seen = (text) => text.replace(UNSEEN,
    (c) => "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));
  const isCall = (row) => row.length > CALL;
  const drawnOf = (ref) => document.querySelectorAll('[data-refs~="' + ref + '"]');
  const isTask = (row) => typeof row[ID] === "string";
  const refOf = (row) => isCall(row) ? "c" + row[ID]
    : isTask(row) ? row[ID] : "e" + row[RUN] + "-" + row[ID];
  const timeOf = (row) => {
    const iso = new Date(begin + row[START]).toISOString();
    return isCall(row) ? iso.slice(11, 19) : iso.slice(11, 23);
  };
  const places = new Map(rows.map((row, place) => [refOf(row), place]));

  function el(name, css, text, attributes) {
    const made = document.createElement(name);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes || {}))
      made.setAttribute(key, value);
    return made;
  }

  // -- theme ---------------------------------------------------------------------

  const nav = document.querySelector("nav");
  const themes = ["auto", "light", "dark"];
  const theme = el("button", "", "Theme: auto", {type: "button"});
  theme.addEventListener("click", () => {
    themes.push(themes.shift());
    document.documentElement.dataset.theme = themes[0];
    theme.textContent = "Theme: " + themes[0];
  });
  nav.append(theme);

  if (!rows.length) return;

  // -- the table -----------------------------------------------------------------

  const section = document.getElementById("events");
  document.getElementById("static").remove();
  const tools = el("div", "tools", undefined, {role: "search"});
  const search = el("input", "", undefined, {
    type: "search", placeholder: "Search: words, -without, #event   ( / )",
    "aria-label": "Search events and calls", autocomplete: "off", spellcheck: "false"});
  const count = el("span", "count", "", {role: "status", "aria-live": "polite"});
  const filters = {
    All: () => true,
    States: (row) => !isCall(row),
    Calls: isCall,
    Failures: (row) => row[BAD] === 1,
  };
  let filter = "All", run = -1, sort = START, down = false, view = [], at = -1;
  const buttons = Object.keys(filters).map((name) => {
    const made = el("button", "", name,
      {type: "button", "aria-pressed": String(name === filter)});
    made.addEventListener("click", () => { setFilter(name); refresh(); });
    return made;
  });
  tools.append(search, ...buttons);
  const runs = el("select", "", undefined, {"aria-label": "Execution"});
  if (data.executions.length > 1) {
    ["All executions", ...data.executions].forEach((name, number) =>
      runs.append(el("option", "", name, {value: number - 1})));
    runs.addEventListener("change", () => { run = Number(runs.value); refresh(); });
    tools.append(runs);
  }
  tools.append(count);

  const grid = el("div", "grid", undefined,
    {role: "grid", "aria-label": "Events and calls"});
  const heads = el("div", "heads", undefined, {role: "row"});
  const columns = [["Time", START], ["Kind", KIND], ["What", TEXT], ["State", PATH]];
  for (const [name, key] of columns) {
    const head = el("span", "", undefined, {role: "columnheader"});
    const button = el("button", "", name, {type: "button"});
    button.addEventListener("click", () => {
      down = sort === key && !down;
      sort = key;
      refresh();
    });
    head.append(button);
    heads.append(head);
  }
  const body = el("div", "body", undefined, {tabindex: "0", role: "rowgroup",
    "aria-label": "Rows: arrow keys move, Enter opens"});
  const space = el("div", "space");
  body.append(space);
  grid.append(heads, body);
  const detail = el("aside", "", undefined,
    {id: "detail", hidden: "", tabindex: "-1", "aria-label": "Details"});
  section.append(tools, grid);
  document.body.append(detail);

  const narrow = matchMedia("screen and (max-width:760px)");
  const height = () => narrow.matches ? 54 : 30;

  let hay = null;
  function hayOf(place) {
    if (!hay) hay = rows.map((row) => [row[TEXT], data.words[row[KIND]],
      data.words[row[PATH]], isCall(row) ? row[CALL] : "#" + row[ID],
      data.executions[row[RUN]] || ""].join("\n").toLowerCase());
    return hay[place];
  }

  function setFilter(name) {
    filter = name;
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(button.textContent === name));
  }

  function wanted() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = words.filter((word) => !word.startsWith("-"));
    const none = words.filter((word) => word.length > 1 && word.startsWith("-"))
      .map((word) => word.slice(1));
    return (row, place) => filters[filter](row) && (run < 0 || row[RUN] === run)
      && all.every((word) => word.startsWith("#")
        ? !isCall(row) && word === "#" + row[ID] : hayOf(place).includes(word))
      && !none.some((word) => hayOf(place).includes(word));
  }

  function order(a, b) {
    const [left, right] = sort === KIND || sort === PATH
      ? [data.words[rows[a][sort]], data.words[rows[b][sort]]]
      : [rows[a][sort], rows[b][sort]];
    const sign = left < right ? -1 : left > right ? 1 : a - b;
    return down ? -sign : sign;
  }

  function refresh() {
    const keep = wanted(), current = view[at];
    view = [];
    rows.forEach((row, place) => { if (keep(row, place)) view.push(place); });
    if (sort !== START || down) view.sort(order);
    at = current === undefined ? -1 : view.indexOf(current);
    const less = view.length < rows.length ? " of " + rows.length : "";
    count.textContent = view.length + less + " rows";
    grid.setAttribute("aria-rowcount", view.length + 1);
    columns.forEach(([, key], number) => heads.children[number].setAttribute(
      "aria-sort", key !== sort ? "none" : down ? "descending" : "ascending"));
    body.scrollTop = Math.min(body.scrollTop, view.length * height());
    render();
  }

  function marked(css, text) {
    const made = el("span", css, undefined, {role: "gridcell", title: text});
    const word = search.value.toLowerCase().split(/\s+/)
      .find((each) => each && !/^[-#]/.test(each));
    const found = word ? text.toLowerCase().indexOf(word) : -1;
    if (found < 0) made.textContent = text;
    else made.append(text.slice(0, found),
      el("mark", "", text.slice(found, found + word.length)),
      text.slice(found + word.length));
    return made;
  }

  function lineOf(number) {
    const row = rows[view[number]];
    const line = el("div", "line" + (row[BAD] ? " lost" : ""), undefined, {
      role: "row", id: "t-" + refOf(row),
      "aria-rowindex": number + 2, "aria-selected": number === at});
    line.style.top = number * height() + "px";
    const time = el("time", "", timeOf(row), {role: "gridcell"});
    const kind = marked(isCall(row) ? "call" : "", data.words[row[KIND]]);
    const what = marked("what", (row[BAD] && !/[\u2718]/.test(row[TEXT])
      ? "\u2718 " : "") + row[TEXT]);
    line.append(time, kind, what, marked("of", data.words[row[PATH]]));
    line.addEventListener("click", () => { choose(number); show(); });
    return line;
  }

  function render(whole) {
    const each = height();
    const first = whole ? 0 : Math.max(0, Math.floor(body.scrollTop / each) - 8);
    const last = whole ? Math.min(view.length, 2000)
      : Math.min(view.length, first + Math.ceil(body.clientHeight / each) + 16);
    space.style.height = view.length * each + "px";
    const lines = [];
    for (let number = first; number < last; number++) lines.push(lineOf(number));
    if (!view.length) lines.push(el("div", "none", "No row is like that."));
    space.replaceChildren(...lines);
    if (at < 0) body.removeAttribute("aria-activedescendant");
    else body.setAttribute("aria-activedescendant", "t-" + refOf(rows[view[at]]));
  }

  function choose(number) {
    at = Math.max(0, Math.min(view.length - 1, number));
    const top = at * height();
    if (top < body.scrollTop) body.scrollTop = top;
    else if (top + height() > body.scrollTop + body.clientHeight)
      body.scrollTop = top + height() - body.clientHeight;
    render();
  }

  // -- details -------------------------------------------------------------------

  function value(made, item, indent) {
    if (typeof item === "string" && /^\s*[[{]/.test(item)) {
      // Payloads are JSON in strings: opened, they can be read.
      try { item = JSON.parse(item); } catch { /* a text that looks like it */ }
    }
    if (item === null || typeof item !== "object") {
      const css = typeof item === "string" ? "b" : "u";
      made.append(el(css, "", seen(JSON.stringify(item))));
      return;
    }
    const list = Array.isArray(item), entries = Object.entries(item);
    if (!entries.length || indent > 40) {
      made.append(!entries.length ? (list ? "[]" : "{}") : "\u2026");
      return;
    }
    made.append(list ? "[" : "{");
    entries.forEach(([key, inner], number) => {
      made.append("\n" + "  ".repeat(indent + 1));
      if (!list) made.append(el("i", "", seen(JSON.stringify(key))), ": ");
      value(made, inner, indent + 1);
      if (number < entries.length - 1) made.append(",");
    });
    made.append("\n" + "  ".repeat(indent) + (list ? "]" : "}"));
  }

  function show() {
    const place = view[at];
    if (place === undefined) return;
    const row = rows[place], record = data.records[place];
    const close = el("button", "close", "Close", {type: "button"});
    close.addEventListener("click", hide);
    const facts = el("dl");
    for (const [name, text] of [
      ["Time", new Date(begin + row[START]).toISOString()
        + (isCall(row) ? " (whole seconds)" : "")],
      ["Kind", data.words[row[KIND]]],
      ["State", data.words[row[PATH]]],
      ["Execution", data.executions[row[RUN]]],
      [isCall(row) ? "Event id" : "Event",
        isCall(row) ? row[CALL] : isTask(row) ? "" : "#" + row[ID]],
    ]) {
      if (!text) continue;
      const pair = el("div");
      pair.append(el("dt", "", name), el("dd", "", text));
      facts.append(pair);
    }
    const links = el("p", "proof");
    for (const drawn of drawnOf(refOf(row))) {
      const where = {l: "in the lanes", g: "in the graph"}[drawn.id[0]] || "in the timeline";
      links.append(el("a", "chip", where, {href: "#" + drawn.id}), " ");
    }
    const pre = el("pre");
    if (record === null) pre.append("Left out of this report to keep it small.");
    else value(pre, record, 0);
    detail.replaceChildren(close, el("h3", "", row[TEXT]),
      el("p", "say", data.sentences[place] || ""), facts, links, pre);
    if (data.cut) detail.append(el("p", "kind",
      "Strings are cut to " + data.cut + " characters; the recording has them whole."));
    detail.hidden = false;
    detail.scrollTop = 0;
    light(refOf(row));
  }

  function hide() {
    detail.hidden = true;
    body.focus({preventScroll: true});
  }

  function light(ref) {
    for (const lit of document.querySelectorAll(".row.on")) lit.classList.remove("on");
    for (const found of drawnOf(ref)) found.classList.add("on");
  }

  function jump(ref, scroll) {
    const place = places.get(ref);
    if (place === undefined) return;
    if (!view.includes(place)) {
      search.value = "";
      run = -1;
      runs.value = "-1";
      setFilter("All");
      refresh();
    }
    choose(view.indexOf(place));
    body.scrollTop = at * height() - body.clientHeight / 2;
    render();
    show();
    if (scroll) {
      section.scrollIntoView();
      body.focus({preventScroll: true});
    }
  }

  // -- hands ---------------------------------------------------------------------

  search.addEventListener("input", refresh);
  body.addEventListener("scroll", () => requestAnimationFrame(() => render()));
  addEventListener("resize", () => render());
  addEventListener("beforeprint", () => render(true));
  addEventListener("afterprint", () => render());
  body.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(body.clientHeight / height()) - 1);
    const steps = {ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page,
      PageUp: at - page, Home: 0, End: view.length - 1};
    if (event.key === "Enter") show();
    else if (event.key in steps && view.length) {
      choose(steps[event.key]);
      if (!detail.hidden) show();
    } else return;
    event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !detail.hidden) hide();
    if (event.key !== "/" || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
    event.preventDefault();
    search.focus();
  });
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("a[data-ref]");
    const drawn = event.target.closest(".picture .row[id]");
    if (chip) {
      event.preventDefault();
      jump(chip.dataset.ref, true);
    } else if (drawn) jump(drawn.dataset.refs.split(" ")[0], false);
  });
  refresh();
})();
