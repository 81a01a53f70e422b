// Pictures made of pictures: variations, the slots A, B and C, morphing, sums, the walk.

const VARIATIONS = 12;
const TILE_SIDE = 150, SLOT_SIDE = 140; // CSS pixels at most
const SECONDS_OF_MORPH = 3, SECONDS_OF_LEG = 2.5; // of Play; of the walk from one seed to the next

// Pictures around the current one, to go on from.
function makeVariations(app) {
  const { model } = app, strength = byId("strength"), fill = filler(app);
  let seeds = [], around = [];
  const tiles = Array.from({ length: VARIATIONS }, (_, k) => {
    const canvas = thumbnail(model);
    const button = element("button", { type: "button", className: "tile" }, canvas);
    button.setAttribute("aria-label", `Variation ${k + 1} of ${VARIATIONS}`);
    button.addEventListener("click", () => {
      if (around[k]) app.show(around[k], "push");
    });
    byId("variations").append(button);
    return canvas;
  });
  const drawSeeds = () => { seeds = tiles.map(() => randomSeed()); };
  function make() {
    around = seeds.map((seed) => near(model, app.point, seed, Number(strength.value)));
    fill(around, (pixels, k) => draw(tiles[k], model, pixels));
  }
  const follow = () => {
    const percent = `${Math.round(strength.value * 100)} %`;
    strength.setAttribute("aria-valuetext", percent);
  };
  strength.addEventListener("input", () => { follow(); make(); });
  byId("more").addEventListener("click", () => {
    drawSeeds();
    make();
    app.tell(`${VARIATIONS} other variations`);
  });
  drawSeeds();
  follow();
  app.onRest(make);
  app.onResize(() => fitTiles(byId("variations"), TILE_SIDE));
}

function randomSeed() {
  return Math.floor(Math.random() * 1e6); // short enough to read out; any up to LAST_SEED will do
}

// Three places to keep pictures in; what is between A and B, and A - B + C.
function makeBlend(app) {
  const { model } = app, range = byId("morph"), fill = filler(app);
  const kept = [1, 2, 3].map((seed) => pointOfSeed(model, seed));
  const canvases = ["A", "B", "C"].map((letter, k) => {
    const canvas = thumbnail(model);
    const showIt = element("button", { type: "button", className: "tile" }, canvas);
    showIt.setAttribute("aria-label", `Show ${letter}`);
    showIt.addEventListener("click", () => app.show(kept[k], "push"));
    const keep = element("button", { type: "button", className: "small" }, `Keep as ${letter}`);
    keep.addEventListener("click", () => {
      kept[k] = app.point;
      drawKept();
      app.tell(`Kept as ${letter}`);
    });
    byId("slots").append(element("div", { className: "slot" }, showIt, keep));
    return canvas;
  });
  const drawKept = () => fill(kept, (pixels, k) => draw(canvases[k], model, pixels));
  function go(t, remember) {
    range.value = t;
    range.setAttribute("aria-valuetext", `${Math.round(t * 100)} % of the way to B`);
    app.show(morph(model, kept[0], kept[1], t), remember);
  }
  range.addEventListener("input", () => go(Number(range.value), "replace"));
  range.setAttribute("aria-valuetext", "0 % of the way to B");
  const play = animation(app, byId("morph-play"), ["Play", "Stop"], (seconds) => {
    const t = Math.min(seconds / SECONDS_OF_MORPH, 1);
    go(Math.round(t * 100) / 100, "no");
    if (t === 1) play.stop();
  });
  byId("sum").addEventListener("click", () => app.show(difference(model, ...kept), "push"));
  drawKept();
  app.onResize(() => fitTiles(byId("slots"), SLOT_SIDE));
}

// From where you are to the picture of another seed, and on to the next, until you stop.
function makeWalk(app) {
  const { model } = app;
  let from, to, leg;
  animation(app, byId("walk"), ["Walk", "Stop"], (seconds) => {
    const number = Math.floor(seconds / SECONDS_OF_LEG);
    if (number !== leg || seconds === 0) {
      from = seconds === 0 ? app.point : to;
      to = pointOfSeed(model, randomSeed(), app.label);
      leg = number;
    }
    const t = seconds / SECONDS_OF_LEG - number;
    app.show(morph(model, from, to, t * t * (3 - 2 * t)), "no"); // slow at both ends
  });
}

// A button that starts and stops something that moves. frame(seconds since the start) makes the
// picture of a moment; what stands at the end is remembered in the address.
function animation(app, button, [start, stop], frame) {
  let request = null, began = null;
  function step(now) {
    request = requestAnimationFrame(step);
    began ??= now;
    frame((now - began) / 1000);
  }
  const running = {
    stop() {
      if (request === null) return;
      cancelAnimationFrame(request);
      request = null;
      app.moving = null;
      button.textContent = start;
      button.setAttribute("aria-pressed", "false");
      app.show(app.point, "push");
    },
  };
  button.addEventListener("click", () => {
    if (request !== null) {
      running.stop();
      return;
    }
    app.moving?.stop();
    app.moving = running;
    began = null;
    button.textContent = stop;
    button.setAttribute("aria-pressed", "true");
    request = requestAnimationFrame(step);
  });
  return running;
}
