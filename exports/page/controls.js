// What changes the picture directly: label buttons, sliders of directions and of coordinates. Each
// function makes its part of the page and has it follow app.point; main.js calls them.

const END_SIDE = 56; // CSS pixels of the small pictures at a slider's ends
const STEP_OF_SLIDERS = 0.05;
const FILLED_AT_ONCE = 4;

// A new element; `with` are its properties.
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

// An amount as people read it: 0, +0.5, −1.25.
function signed(amount) {
  const size = String(Math.abs(Math.round(amount * 100) / 100));
  return amount > 0 ? `+${size}` : amount < 0 ? `−${size}` : "0";
}

// A function that makes the pictures of many points, a few at a time, so that the page stays quick to
// answer: fill(points, use) calls use(pixels, index) for each, and ends what it was called for before.
function filler(app) {
  let call = 0;
  return async function fill(points, use) {
    const mine = ++call;
    for (let first = 0; first < points.length && mine === call; first += FILLED_AT_ONCE) {
      const part = app.pictures(points.slice(first, first + FILLED_AT_ONCE));
      part.forEach((pixels, index) => use(pixels, first + index));
      await new Promise((resume) => setTimeout(resume));
    }
  };
}

// Buttons for the classes, and one for whichever class the seed gives.
function makeLabels(app) {
  const { model } = app, field = byId("labels"), chips = field.querySelector(".chips");
  if (!model.classes.length) return;
  field.hidden = false;
  const radios = [null, ...model.classes.keys()].map((label) => {
    const radio = element("input", { type: "radio", name: "label", value: label ?? "any" });
    radio.addEventListener("change", () => {
      app.label = label;
      const drawn = app.point.seed === null ? null : labelOfSeed(app.point.seed, model.classes.length);
      const chosen = label ?? drawn;
      if (chosen !== null) app.show({ ...app.point, label: [chosen, chosen, 0] }, "push");
    });
    const name = label === null ? "Any" : model.classes[label];
    chips.append(element("label", { className: "chip" }, radio, element("span", {}, name)));
    return radio;
  });
  app.onShow(() => { radios[app.label === null ? 0 : app.label + 1].checked = true; });
}

// A slider for each direction, between pictures of where it leads.
function makeDirections(app) {
  const { model } = app, fill = filler(app);
  const rows = model.directions.map((_, k) => {
    const range = element("input", {
      type: "range", id: `direction-${k + 1}`, min: -model.reach, max: model.reach,
      step: STEP_OF_SLIDERS,
    });
    range.addEventListener("input", () => {
      const directions = app.point.directions.with(k, Number(range.value));
      app.show({ ...app.point, directions }, "replace");
    });
    const ends = [thumbnail(model), thumbnail(model)];
    ends.forEach((canvas) => fit(canvas, END_SIDE, END_SIDE));
    const output = element("output", {});
    output.htmlFor.add(range.id);
    const label = element("label", { htmlFor: range.id }, `Direction ${k + 1}`);
    const middle = element("div", { className: "middle" }, label, output, range);
    byId("directions").append(element("div", { className: "direction" }, ends[0], middle, ends[1]));
    return { range, ends, output };
  });
  byId("reset").addEventListener("click", () => {
    const directions = model.directions.map(() => 0);
    app.show({ ...app.point, directions, coordinates: new Map() }, "push");
    app.tell("All sliders are back in the middle");
  });
  app.onShow(() => rows.forEach(({ range, output }, k) => {
    range.value = app.point.directions[k];
    output.textContent = signed(app.point.directions[k]);
    range.setAttribute("aria-valuetext", signed(app.point.directions[k]));
  }));
  app.onRest(() => {
    const points = rows.flatMap((_, k) => [-model.reach, model.reach].map((amount) => (
      { ...app.point, directions: app.point.directions.with(k, amount) }
    )));
    fill(points, (pixels, at) => draw(rows[at >> 1].ends[at % 2], model, pixels));
  });
}

// One slider for all coordinates of z: a number says which.
function makeCoordinates(app) {
  const { model } = app, number = byId("coordinate"), range = byId("coordinate-amount");
  number.max = model.zDim;
  range.min = -model.reach;
  range.max = model.reach;
  byId("z-dim").textContent = model.zDim;
  const index = () => Math.min(Math.max(Math.round(number.value) || 1, 1), model.zDim) - 1;
  function follow() {
    const amount = app.point.coordinates.get(index()) ?? 0;
    range.value = amount;
    byId("coordinate-value").textContent = signed(amount);
    range.setAttribute("aria-valuetext", `coordinate ${index() + 1}: ${signed(amount)}`);
  }
  range.addEventListener("input", () => {
    const coordinates = new Map(app.point.coordinates).set(index(), Number(range.value));
    app.show({ ...app.point, coordinates }, "replace");
  });
  number.addEventListener("input", follow);
  number.addEventListener("change", () => { number.value = index() + 1; });
  app.onShow(follow);
}
