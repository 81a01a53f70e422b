// Points: what a picture is made of, how they are combined, and how the address holds them.
//
// A point is { seed, z, made, directions, coordinates, label }. It begins with the z of a seed, or
// (seed null) with numbers of its own, `made` as a "blend" or a "variation". `directions` [K] and
// `coordinates` (Map from index) are added to it: where the sliders stand. label: null without
// classes, else [from, to, share], a class that is mixed with another; [3, 3, 0] is class 3 alone.

// The prior's centre, and how far uniform z reach to both sides of it.
const PRIORS = {
  uniform_signed: { centre: 0, half: 1 },
  uniform_unsigned: { centre: 0.5, half: 0.5 },
  normal01: { centre: 0, half: null },
};
const LAST_SEED = 2 ** 31 - 1;
const MOST = 100; // that a number of z in an address may be
const OPEN = ["", "label", "d", "c"]; // what an address may hold that leaves the seed open

function pointOfSeed(model, seed, label = null) {
  const chosen = label ?? labelOfSeed(seed, model.classes.length || 1);
  return {
    seed, z: null, made: null,
    directions: model.directions.map(() => 0), coordinates: new Map(),
    label: model.classes.length ? [chosen, chosen, 0] : null,
  };
}

function pointOfZ(model, z, made, label) {
  return { ...pointOfSeed(model, 0), seed: null, z, made, label };
}

// Whether any slider of a point is away from its middle.
function isChanged({ directions, coordinates }) {
  return directions.some(Boolean) || [...coordinates.values()].some(Boolean);
}

// The z of a point: Float32Array [zDim]. Sliders leave it where z is drawn, as generate.py directions
// does; a seed's own z is never moved.
function zOf(model, point) {
  const base = point.z ?? zOfSeed(point.seed, model.zDist, model.zDim);
  if (!isChanged(point)) return base;
  const moved = base.map((value, index) => {
    let sum = value + (point.coordinates.get(index) ?? 0);
    point.directions.forEach((amount, k) => { sum += amount * model.directions[k][index]; });
    return sum;
  });
  return within(model, moved);
}

// The label as the network takes it: Float32Array [classes], or null.
function yOf(model, point) {
  if (!point.label) return null;
  const [from, to, share] = point.label, y = new Float32Array(model.classes.length);
  y[from] += 1 - share;
  y[to] += share;
  return y;
}

function nameOfLabel(model, label) {
  const [from, to, share] = label, name = (one) => model.classes[one];
  return from === to ? name(from) : `${name(from)} to ${name(to)}, ${Math.round(share * 100)} %`;
}

// z moved to the nearest point that is drawn: generation/latent.py's within.
function within(model, z) {
  const { centre, half } = PRIORS[model.zDist];
  if (half !== null)
    return z.map((value) => Math.min(Math.max(value, centre - half), centre + half));
  const length = Math.hypot(...z), farthest = Math.sqrt(z.length) + 2;
  return length > farthest ? z.map((value) => (value * farthest) / length) : z;
}

// The way from a to b at t: a line where z fill a cube, an arc about 0 where they are normal.
function between(model, a, b, t) {
  const line = () => a.map((value, index) => (1 - t) * value + t * b[index]);
  if (model.zDist !== "normal01") return line();
  const dot = a.reduce((sum, value, index) => sum + value * b[index], 0);
  const cosine = dot / (Math.hypot(...a) * Math.hypot(...b));
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
  if (!(Math.sin(angle) > 1e-4)) return line();
  const [left, right] = [Math.sin((1 - t) * angle), Math.sin(t * angle)];
  return a.map((value, index) => (left * value + right * b[index]) / Math.sin(angle));
}

// The picture at t of the way from one point to another; labels are mixed in proportion.
function morph(model, a, b, t) {
  const label = a.label && [...ends(a.label, b.label), t];
  return pointOfZ(model, between(model, zOf(model, a), zOf(model, b), t), "blend", label);
}

// The classes to go from and to: of a mixed label the nearer one.
function ends(a, b) {
  return [a, b].map(([from, to, share]) => (share < 0.5 ? from : to));
}

// A - B + C, brought back to where z is drawn, with A's label.
function difference(model, a, b, c) {
  const [za, zb, zc] = [a, b, c].map((point) => zOf(model, point));
  return pointOfZ(model, within(model, za.map((v, k) => v - zb[k] + zc[k])), "blend", a.label);
}

// A point near another: its z, moved by `strength` towards that of a seed.
function near(model, point, seed, strength) {
  const z = zOf(model, point), other = zOfSeed(seed, model.zDist, model.zDim);
  if (model.zDist === "normal01")
    return pointOfZ(model, between(model, z, other, strength / 2), "variation", point.label);
  const { centre } = PRIORS[model.zDist];
  const moved = z.map((value, index) => value + strength * (other[index] - centre));
  return pointOfZ(model, within(model, moved), "variation", point.label);
}

// What stands behind # in the address: seed=5&label=3&d=1:0.5,2:-1&c=17:0.4, all counted from 1 but
// the classes; z=... in place of the seed holds float32 in base64, with - and _ for + and /, and has
// made=variation beside it where it is no blend. The label that the seed draws stands there only where
// it was chosen (null: none was).
function addressOf(model, point, chosen) {
  const parts = [point.seed === null ? `z=${textOfZ(point.z)}` : `seed=${point.seed}`];
  if (point.made === "variation") parts.push("made=variation");
  if (point.label && !(chosen === null && isDrawn(model, point))) {
    const [from, to, share] = point.label;
    parts.push(from === to ? `label=${from}` : `label=${from}-${to}:${share}`);
  }
  const moved = point.directions.map((amount, k) => [k, amount]).filter(([, amount]) => amount);
  const listed = (pairs) => pairs.map(([k, amount]) => `${k + 1}:${amount}`).join(",");
  if (moved.length) parts.push(`d=${listed(moved)}`);
  const single = [...point.coordinates].filter(([, amount]) => amount);
  if (single.length) parts.push(`c=${listed(single)}`);
  return `#${parts.join("&")}`;
}

// Whether the label of a point is the one that its seed draws.
function isDrawn(model, { seed, label: [from, to] }) {
  return seed !== null && from === to && from === labelOfSeed(seed, model.classes.length);
}

// What an address asks for: { point, label, faults }. label: the class that it chooses, null where it
// leaves that to the seed, or mixes two. faults: what is wrong with it, in words. spare: the seed that
// is taken where it leaves that open, or where it is too damaged to tell.
function readAddress(model, text, spare) {
  const given = partsOf(text), label = labelIn(model, given.get("label"));
  const begun = beginningOf(model, given, label, spare), point = begun ?? pointOfSeed(model, spare);
  if (label) point.label = label;
  const chosen = label && label[0] === label[1] ? label[0] : null;
  if (!begun) return { point, label: chosen, faults: [`seed ${spare} is shown instead`] };
  const faults = [];
  if (given.has("label") && !label) faults.push(`there is no label ${given.get("label") ?? ""}`);
  if (!moveSliders(model, point, given)) faults.push("some of its sliders cannot be read");
  return { point, label: chosen, faults };
}

// The point that an address begins with, without its sliders; null where it is damaged.
function beginningOf(model, given, label, spare) {
  const seed = given.get("seed") ?? "", z = zOfText(given.get("z") ?? "", model.zDim);
  if (/^\d{1,10}$/.test(seed) && Number(seed) <= LAST_SEED) return pointOfSeed(model, Number(seed));
  const made = given.get("made") === "variation" ? "variation" : "blend";
  if (z && (label || !model.classes.length)) return pointOfZ(model, z, made, label);
  return [...given.keys()].every((name) => OPEN.includes(name)) ? pointOfSeed(model, spare) : null;
}

// Move a point to where the sliders of an address stand, at most as far as they reach; says whether
// all of them could be read.
function moveSliders(model, point, given) {
  let isWhole = true;
  function each(name, count, move) {
    for (const [k, amount] of pairsIn(given.get(name))) {
      if (Number.isInteger(k) && k >= 1 && k <= count && Number.isFinite(amount))
        move(k - 1, Math.min(Math.max(amount, -model.reach), model.reach));
      else isWhole = false;
    }
  }
  each("d", model.directions.length, (k, amount) => { point.directions[k] = amount; });
  each("c", model.zDim, (k, amount) => point.coordinates.set(k, amount));
  return isWhole;
}

// What an address says, by name.
function partsOf(text) {
  return new Map(text.replace(/^#/, "").split("&").map((part) => part.split(/=(.*)/s)));
}

function labelIn(model, text) {
  const found = /^(\d+)(?:-(\d+):([\d.]+))?$/.exec(text ?? "");
  if (!found) return null;
  const [from, to, share] = [found[1], found[2] ?? found[1], found[3] ?? 0].map(Number);
  return Math.max(from, to) < model.classes.length && share <= 1 ? [from, to, share] : null;
}

function pairsIn(text) {
  return text ? text.split(",").map((pair) => pair.split(":").map(Number)) : [];
}

function textOfZ(z) {
  const bytes = new Uint8Array(Float32Array.from(z).buffer);
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

function zOfText(text, zDim) {
  if (!/^[\w-]*$/.test(text) || text.length !== Math.ceil((zDim * 4 * 4) / 3)) return null;
  const letters = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const z = new Float32Array(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)).buffer);
  return z.every((value) => Math.abs(value) <= MOST) ? z : null;
}
