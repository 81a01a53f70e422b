// The generator: its layers as exports/layers.py describes them, computed by product.wasm.
//
// A layer of either kind is a product of matrices: rows are vectors ("linear") or the pixels of
// feature maps ("deconv"), each with the label appended. Of a transposed convolution the product
// gives for every pixel the 5x5 patch that it adds to the result, and the patches are added up.

const ROWS_AT_ONCE = 256; // of a product; bounds the memory for patches
const KERNEL = 5, LANES = 8; // columns in a panel of product.wasm
const PAGE_OF_MEMORY = 65536;

// The bytes of a text in base64. atob is everywhere; fromBase64 is 5 times as fast where it is.
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

// What each of the 65,536 float16 stands for: Float16Array is not in every browser yet.
function float16Values() {
  return Float32Array.from({ length: 65536 }, (_, code) => {
    const sign = code & 0x8000 ? -1 : 1, exponent = (code >> 10) & 31, fraction = code & 1023;
    if (exponent === 31) return NaN; // no weight is one
    return exponent ? sign * 2 ** (exponent - 25) * (1024 + fraction) : sign * 2 ** -24 * fraction;
  });
}

// How many columns a layer's matrix has, filled up to whole panels.
function columnsOf(layer) {
  const columns = layer.kind === "deconv" ? KERNEL * KERNEL * layer.outputs : layer.outputs;
  return Math.ceil(columns / LANES) * LANES;
}

// The generator of a model -> generate(z, y): pixels of its pictures.
//
// model: what exports/web.py wrote of it. weights, program: the bytes of its weights and of
// product.wasm. z: an array of Float32Array [zDim]; y: for each an array [classes] or null.
// generate returns an array of Float32Array [height * width * channels] with values 0 ... 255.
async function loadGenerator(model, weights, program) {
  const classes = model.classes.length;
  const sizes = model.layers.map((layer) => layer.inputs * columnsOf(layer));
  const longest = Math.max(...model.layers.map((layer) => layer.inputs));
  const widest = Math.max(...model.layers.map(columnsOf));
  const numbers = sizes.reduce((sum, size) => sum + size) + ROWS_AT_ONCE * (longest + widest);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((numbers * 4) / PAGE_OF_MEMORY) });
  const { instance } = await WebAssembly.instantiate(program, { page: { memory } });
  const { product } = instance.exports;

  let end = 0; // of what is taken of the memory, in bytes
  function take(count) {
    const part = new Float32Array(memory.buffer, end, count);
    end += count * 4;
    return part;
  }

  // The file has of each layer the scales of its columns, its biases and its matrix, in panels. A
  // weight is what is stored, times the scale of its column.
  let at = 0;
  const float16 = model.precision === "float16" ? float16Values() : null;
  const layers = model.layers.map((layer, index) => {
    const columns = columnsOf(layer), count = sizes[index];
    const scales = new Float32Array(weights.buffer, at, columns);
    const biases = new Float32Array(weights.buffer, at + 4 * columns, layer.outputs);
    at += 4 * (columns + Math.ceil(layer.outputs / LANES) * LANES);
    const Stored = float16 ? Uint16Array : Int8Array;
    const stored = new Stored(weights.buffer, at, count);
    at += stored.byteLength;
    const matrix = take(count);
    const inPanel = layer.inputs * LANES;
    for (let place = 0; place < count; place++) {
      const value = float16 ? float16[stored[place]] : stored[place];
      matrix[place] = value * scales[Math.floor(place / inPanel) * LANES + (place % LANES)];
    }
    return { ...layer, matrix, biases, columns };
  });
  const rowsIn = take(ROWS_AT_ONCE * longest), rowsOut = take(ROWS_AT_ONCE * widest);

  // x [count pictures * rows each, features], and y, by a layer's matrix: `use` gets the result a
  // part at a time, with the number of its first row and how many there are.
  function multiply(layer, x, y, rowsEach, use) {
    const labels = y[0] ? classes : 0, features = layer.inputs - labels;
    const rows = y.length * rowsEach;
    for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, rows - first);
      for (let row = 0; row < count; row++) {
        const from = (first + row) * features, to = row * layer.inputs;
        rowsIn.set(x.subarray(from, from + features), to);
        if (labels) rowsIn.set(y[Math.floor((first + row) / rowsEach)], to + features);
      }
      product(
        rowsIn.byteOffset, layer.matrix.byteOffset, rowsOut.byteOffset,
        count, layer.inputs, layer.columns / LANES,
      );
      use(first, count);
    }
  }

  function linear(layer, x, y) {
    const result = new Float32Array(y.length * layer.outputs);
    multiply(layer, x, y, 1, (first, count) => {
      for (let row = 0; row < count; row++) {
        const from = row * layer.columns;
        result.set(rowsOut.subarray(from, from + layer.outputs), (first + row) * layer.outputs);
      }
    });
    return result;
  }

  // Transposed convolution, stride 2, SAME: pixel (i, j) adds its patch at (2 i - top, 2 j - left).
  function deconv(layer, x, y) {
    const { outputs, size: [height, width], columns } = layer;
    const rowsEach = Math.ceil(height / 2) * Math.ceil(width / 2);
    const across = Math.ceil(width / 2);
    // SAME pads an even size by one before and two behind, an odd one by two and two.
    const top = height % 2 ? 2 : 1, left = width % 2 ? 2 : 1;
    const result = new Float32Array(y.length * height * width * outputs);
    multiply(layer, x, y, rowsEach, (first, count) => {
      for (let row = 0; row < count; row++) {
        const picture = Math.floor((first + row) / rowsEach), pixel = (first + row) % rowsEach;
        const i = 2 * Math.floor(pixel / across) - top, j = 2 * (pixel % across) - left;
        for (let tap = 0; tap < KERNEL * KERNEL; tap++) {
          const v = i + Math.floor(tap / KERNEL), u = j + (tap % KERNEL);
          if (v < 0 || v >= height || u < 0 || u >= width) continue;
          const to = ((picture * height + v) * width + u) * outputs;
          const from = row * columns + tap * outputs;
          for (let out = 0; out < outputs; out++) result[to + out] += rowsOut[from + out];
        }
      }
    });
    return result;
  }

  // Hidden layers: max(x, slope x), which for a slope of 0 is ReLU. The last one: pixels.
  const [low] = model.valueRange;
  const pixelOf = low < 0
    ? (x) => (Math.tanh(x) + 1) * 127.5
    : (x) => 255 / (1 + Math.exp(-x));
  function activate(layer, x, isLast) {
    const { biases, outputs, slope } = layer;
    for (let at = 0; at < x.length; at += outputs)
      for (let out = 0; out < outputs; out++) {
        const value = x[at + out] + biases[out];
        x[at + out] = isLast ? pixelOf(value) : value > 0 ? value : slope * value;
      }
    return x;
  }

  return function generate(z, y) {
    let x = new Float32Array(z.length * model.zDim);
    z.forEach((one, index) => x.set(one, index * model.zDim));
    layers.forEach((layer, index) => {
      const made = layer.kind === "deconv" ? deconv(layer, x, y) : linear(layer, x, y);
      x = activate(layer, made, index === layers.length - 1);
    });
    const each = x.length / z.length;
    return z.map((_, index) => x.subarray(index * each, (index + 1) * each));
  };
}
