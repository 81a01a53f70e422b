// The report's two moving parts: the sample pictures in time, and curves one can read values from.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
// Larger on a phone, where a panel of 520 is drawn on 300 pixels. Left of the axis there is room for "12,000".
const TEXT = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--axis-text"));
const WIDTH = 520, HEIGHT = 220, LEFT = 6 + 3.6 * TEXT, RIGHT = 10, TOP = 10, BOTTOM = 24;
const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

function svg(name, attributes, parent) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.append(element);
  return element;
}

// About four round numbers from 0 or `low` to `high`.
function ticks(low, high) {
  const rough = (high - low || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(at);
  return found;
}

// One panel: series are [name, values]; a value is null where nothing was measured.
function curves(holder) {
  const { title, series } = data.panels[Number(holder.dataset.panel)];
  const steps = data.steps;
  const all = series.flatMap(([, values]) => values).filter((value) => value !== null);
  const high = Math.max(...all, 1e-9), low = Math.min(...all, 0);
  const x = (step) => LEFT + ((step - steps[0]) / (steps.at(-1) - steps[0] || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: 0, role: "slider", "aria-label": `${title}, by step`,
    "aria-valuemin": steps[0], "aria-valuemax": steps.at(-1),
  });
  for (const value of ticks(low, high)) {
    svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }, picture);
    svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, picture).textContent = NUMBER.format(value);
  }
  for (const step of ticks(steps[0], steps.at(-1))) {
    svg("text", { x: x(step), y: HEIGHT - 6, "text-anchor": "middle" }, picture).textContent = NUMBER.format(step);
  }
  series.forEach(([, values], number) => {
    const points = steps.map((step, k) => [step, values[k]]).filter(([, value]) => value !== null);
    const kind = number ? "second" : "first";
    svg("polyline", { class: `curve ${kind}`, points: points.map(([s, v]) => `${x(s)},${y(v)}`).join(" ") }, picture);
    if (points.length < 40) {
      for (const [s, v] of points) svg("circle", { class: kind, cx: x(s), cy: y(v), r: 2.5, fill: "none" }, picture);
    }
  });
  const cursor = svg("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" }, picture);
  const shown = document.createElement("output");
  // The rows at which this panel has a value.
  const rows = steps.map((_, k) => k).filter((k) => series.some(([, values]) => values[k] !== null));
  let at = rows.length - 1;

  function show() {
    const k = rows[at];
    cursor.setAttribute("x1", x(steps[k]));
    cursor.setAttribute("x2", x(steps[k]));
    shown.replaceChildren(`step ${steps[k].toLocaleString("en")}`);
    const words = [];
    series.forEach(([name, values], number) => {
      const key = document.createElement("span");
      key.className = number ? "second-key" : "first-key";
      key.textContent = name;
      const value = values[k] === null ? "none" : NUMBER.format(values[k]);
      shown.append("   ", key, ` ${value}`);
      words.push(`${name} ${value}`);
    });
    picture.setAttribute("aria-valuenow", steps[k]);
    picture.setAttribute("aria-valuetext", `step ${steps[k]}: ${words.join(", ")}`);
  }

  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * WIDTH;
    const distance = (n) => Math.abs(x(steps[rows[n]]) - place);
    at = rows.reduce((best, _, n) => (distance(n) < distance(best) ? n : best), 0);
    cursor.setAttribute("visibility", "visible");
    show();
  });
  picture.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -1e9, End: 1e9 }[event.key];
    if (!by) return;
    event.preventDefault();
    at = Math.min(Math.max(at + by, 0), rows.length - 1);
    cursor.setAttribute("visibility", "visible");
    show();
  });
  holder.append(shown, picture);
  show();
}

function pictures(holder) {
  const slider = holder.querySelector("input"), image = holder.querySelector("img");
  const caption = holder.querySelector("figcaption");
  function show() {
    const { step, source, words } = data.samples[Number(slider.value)];
    image.src = source;
    caption.textContent = `step ${step.toLocaleString("en")}: ${words}`;
    slider.setAttribute("aria-valuetext", `step ${step}`);
  }
  slider.addEventListener("input", show);
  show();
}

document.querySelectorAll("[data-panel]").forEach(curves);
document.querySelectorAll("[data-samples]").forEach(pictures);
