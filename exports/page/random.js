// The z and the label of a seed: the numbers that generate.py draws from it (support/streams.py).
// They come from NumPy's SeedSequence and Philox4x64-10 (Salmon et al. 2011, "Parallel Random
// Numbers: As Easy as 1, 2, 3"), ported here; tests/exports/test_web.py compares both.

const MASK32 = 0xffffffffn, MASK64 = 0xffffffffffffffffn;

// NumPy's SeedSequence(words).generate_state(count, uint32), for up to four words of 32 bits.
function seedState(words, count) {
  let factor = 0x43b0d7e5;
  const hashed = (value) => {
    value = (value ^ factor) >>> 0;
    factor = Math.imul(factor, 0x931e8875) >>> 0;
    value = Math.imul(value, factor) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mixed = (x, y) => {
    const value = (Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((place) => hashed(words[place] ?? 0));
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++)
      if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  factor = 0x8b51f9dd;
  return Array.from({ length: count }, (_, place) => {
    let value = (pool[place % 4] ^ factor) >>> 0;
    factor = Math.imul(factor, 0x58f38ded) >>> 0;
    value = Math.imul(value, factor) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  });
}

// The stream support/streams.py's random_stream(seed, purpose) gives; purposeCode is the CRC-32 of
// the purpose. Returns the functions that draw from it.
function randomStream(seed, purposeCode) {
  const words = seedState([seed, purposeCode, 0], 4).map(BigInt);
  const key = [words[0] | (words[1] << 32n), words[2] | (words[3] << 32n)];
  let counter = 0n, block = [], half = null;

  function nextBlock() {
    counter += 1n;
    let [x0, x1, x2, x3] = [counter, 0n, 0n, 0n], [k0, k1] = key;
    for (let round = 0; round < 10; round++) {
      const first = x0 * 0xd2e7470ee14c6c93n, second = x2 * 0xca5a826395121157n;
      [x0, x1, x2, x3] = [
        (second >> 64n) ^ x1 ^ k0, second & MASK64, (first >> 64n) ^ x3 ^ k1, first & MASK64,
      ];
      k0 = (k0 + 0x9e3779b97f4a7c15n) & MASK64;
      k1 = (k1 + 0xbb67ae8584caa73bn) & MASK64;
    }
    return [x0, x1, x2, x3];
  }
  function next64() {
    if (!block.length) block = nextBlock();
    return block.shift();
  }
  function next32() { // the lower half of a 64-bit number first, then the upper one
    if (half !== null) {
      const value = half;
      half = null;
      return value;
    }
    const both = next64();
    half = both >> 32n;
    return both & MASK32;
  }
  const nextDouble = () => Number(next64() >> 11n) / 2 ** 53; // in [0, 1)
  return { next64, next32, nextDouble };
}

// A whole number below `count`, as Generator.integers draws it: Lemire 2019, "Fast Random Integer
// Generation in an Interval".
function integerBelow(stream, count) {
  if (count === 1) return 0; // of which NumPy takes nothing from the stream
  const range = BigInt(count), least = (MASK32 + 1n) % range;
  let product;
  do product = stream.next32() * range;
  while ((product & MASK32) < least);
  return Number(product >> 32n);
}

// The 256 layers of the ziggurat for normal numbers (Marsaglia & Tsang 2000), as NumPy has them:
// `width` of a layer for 52 random bits, `inside` the bits that surely lie under the curve, `height`
// of the curve at its edge.
const ZIGGURAT_END = 3.6541528853610088, ZIGGURAT_AREA = 0.0049286732339746549;
const ziggurat = (() => {
  const curve = (x) => Math.exp(-0.5 * x * x), bits = 2 ** 52;
  const edges = new Array(256);
  edges[255] = ZIGGURAT_END;
  for (let layer = 254; layer > 0; layer--) {
    const above = ZIGGURAT_AREA / edges[layer + 1] + curve(edges[layer + 1]);
    edges[layer] = Math.sqrt(-2 * Math.log(above));
  }
  edges[0] = ZIGGURAT_AREA / curve(ZIGGURAT_END); // as wide as the bottom layer with its tail
  const inside = edges.map((edge, layer) => {
    if (layer === 0) return (ZIGGURAT_END / edge) * bits;
    return layer === 1 ? 0 : (edges[layer - 1] / edge) * bits;
  });
  const height = edges.map((edge, layer) => (layer === 0 ? 1 : curve(edge)));
  return { width: edges.map((edge) => edge / bits), inside, height };
})();

// A number of N(0, 1), as Generator.standard_normal draws it.
function normalNumber(stream) {
  for (;;) {
    const drawn = stream.next64();
    const layer = Number(drawn & 0xffn), negative = (drawn >> 8n) & 1n;
    const bits = (drawn >> 9n) & 0xfffffffffffffn;
    const size = Number(bits) * ziggurat.width[layer], x = negative ? -size : size;
    if (Number(bits) < ziggurat.inside[layer]) return x;
    if (layer === 0) {
      for (;;) {
        const beyond = -Math.log1p(-stream.nextDouble()) / ZIGGURAT_END;
        const other = -Math.log1p(-stream.nextDouble());
        if (other + other > beyond * beyond)
          return (bits >> 8n) & 1n ? -(ZIGGURAT_END + beyond) : ZIGGURAT_END + beyond;
      }
    }
    const { height } = ziggurat;
    const at = (height[layer - 1] - height[layer]) * stream.nextDouble() + height[layer];
    if (at < Math.exp(-0.5 * x * x)) return x;
  }
}

const DRAWS = {
  uniform_signed: (stream) => -1 + 2 * stream.nextDouble(),
  uniform_unsigned: (stream) => stream.nextDouble(),
  normal01: normalNumber,
};
const OF_GENERATE = 0xfb0663bb, OF_LABEL = 0x4c8e2ea6; // CRC-32 of the purposes there

// The z of a seed, Float32Array [zDim]: generation/latent.py's z_of_seeds.
function zOfSeed(seed, zDist, zDim) {
  const stream = randomStream(seed, OF_GENERATE);
  return Float32Array.from({ length: zDim }, () => DRAWS[zDist](stream));
}

// The label that a seed's picture has where none is chosen: latent.py's labels_of_seeds.
function labelOfSeed(seed, count) {
  return integerBelow(randomStream(seed, OF_LABEL), count);
}
