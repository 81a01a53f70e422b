// The page: the model is read, the parts are made, and app.show shows a picture.

const REST = 150; // ms without a change after which small pictures follow the large one
const TIMED = 15; // pictures whose median time is shown

function textIn(id) {
  const holder = byId(id), text = holder.textContent;
  holder.remove(); // its megabytes are of no use twice
  return text;
}

async function start() {
  const model = JSON.parse(textIn("model"));
  const generate = await loadGenerator(model, bytesOf(textIn("weights")), bytesOf(textIn("program")));
  const followers = [], resting = [], sized = [], times = [];
  let timer = null;

  // point: what is shown. label: the class that was chosen, null for any. moving: the animation
  // that runs. pictures: the pixels of points. onShow, onRest, onResize: have a function called when
  // the picture changes, when it has stopped changing, and when the page has another size. tell: say
  // something to a screen reader.
  const app = {
    model, point: null, label: null, moving: null,
    onShow: (follow) => followers.push(follow),
    onRest: (follow) => resting.push(follow),
    onResize: (follow) => sized.push(follow),
    tell: (text) => { byId("status").textContent = text; },
    pictures: (points) => generate(
      points.map((point) => zOf(model, point)), points.map((point) => yOf(model, point)),
    ),
    show,
  };

  // Show a point. remember: "push" a step that Back leads over, "replace" the address, or "no". note:
  // what there is to say of this picture, until the next one.
  function show(point, remember, note = "") {
    if (remember !== "no") app.moving?.stop();
    app.point = point;
    const began = performance.now();
    const [pixels] = app.pictures([point]);
    times.push(performance.now() - began);
    draw(byId("picture"), model, pixels);
    describe();
    byId("note").textContent = note;
    byId("note").hidden = !note;
    followers.forEach((follow) => follow());
    if (remember === "push") history.pushState(null, "", addressOf(model, point, app.label));
    if (remember === "replace") history.replaceState(null, "", addressOf(model, point, app.label));
    if (remember !== "no") {
      clearTimeout(timer);
      timer = setTimeout(() => resting.forEach((follow) => follow()), REST);
    }
    if (remember === "push") app.tell(byId("caption").textContent);
  }

  function describe() {
    const { seed, made, label } = app.point, of = seed === null ? `A ${made}` : `Seed ${seed}`;
    const words = [isChanged(app.point) ? `${of}, changed` : of];
    if (label) words.push(`label ${nameOfLabel(model, label)}`);
    byId("caption").textContent = words.join(" · ");
    byId("picture").setAttribute("aria-label", `A made-up picture: ${words.join(", ")}`);
    if (document.activeElement !== byId("seed")) byId("seed").value = seed ?? "";
    const median = times.slice(-TIMED).sort((a, b) => a - b)[Math.min(times.length, TIMED) >> 1];
    byId("speed").textContent = `${median < 10 ? median.toFixed(1) : Math.round(median)} ms a picture`;
  }

  // The picture that the address asks for; without one, that of a seed. A damaged link is told.
  function showAddressed() {
    const { point, label, faults } = readAddress(model, location.hash, randomSeed());
    const note = faults.length ? `This link is damaged: ${faults.join(", ")}` : "";
    app.label = label;
    show(point, "replace", note);
    const caption = byId("caption").textContent;
    app.tell(note ? `${note}. ${caption}` : caption);
  }

  function showSeed(seed) {
    show(pointOfSeed(model, seed, app.label), "push");
  }

  function fitStage() {
    const main = document.querySelector("main"), style = getComputedStyle(main);
    const width = parseFloat(style.gridTemplateColumns); // of the first column
    const share = Number(style.getPropertyValue("--picture-height"));
    fit(byId("picture"), width, innerHeight * share, true);
    main.style.setProperty("--picture-width", byId("picture").style.width);
  }

  describeModel(model);
  makeLabels(app);
  makeDirections(app);
  makeCoordinates(app);
  makeVariations(app);
  makeBlend(app);
  makeWalk(app);
  app.onResize(fitStage);
  Object.assign(byId("picture"), { width: model.width, height: model.height });
  const resize = () => sized.forEach((follow) => follow());
  resize();
  addEventListener("resize", resize);
  addEventListener("popstate", showAddressed);
  byId("new").addEventListener("click", () => showSeed(randomSeed()));
  byId("seed-form").addEventListener("submit", (event) => {
    event.preventDefault();
    showSeed(byId("seed").valueAsNumber); // an empty field is not submitted
  });
  byId("download").addEventListener("click", () => {
    const { seed, made, label } = app.point, parts = [model.name, made ?? `seed${seed}`];
    if (label) parts.push(`label${label[0]}`);
    if (isChanged(app.point)) parts.push("changed");
    save(byId("picture"), `${parts.join("_")}.png`);
    app.tell("Saved as a PNG");
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") app.moving?.stop();
  });
  byId("copy").addEventListener("click", copyLink);
  async function copyLink() {
    app.moving?.stop();
    let said = "Link copied";
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      said = "Copy the address bar";
    }
    app.tell(said);
    byId("copy").textContent = said;
    setTimeout(() => { byId("copy").textContent = "Copy link"; }, 2000);
  }
  showAddressed();
}

// The model card: pairs of words and what they say.
function describeModel(model) {
  byId("name").textContent = model.name;
  for (const [word, said] of model.card)
    byId("card").append(element("div", {}, element("dt", {}, word), element("dd", {}, said)));
}

start().catch((error) => {
  byId("caption").textContent = `This browser cannot make the pictures: ${error.message}`;
  throw error;
});
