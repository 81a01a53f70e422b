// Pixels on canvases. Pictures are small: they are enlarged so that each pixel is a square, and you see
// what the network made and not what a browser makes up between its pixels.

// Put the pixels of a picture, values 0 ... 255, on a canvas of the picture's own size.
function draw(canvas, model, pixels) {
  const { width, height, channels } = model;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const image = new ImageData(width, height); // it rounds as NumPy's rint, half to even
  for (let at = 0; at < width * height; at++) {
    for (let channel = 0; channel < 3; channel++)
      image.data[4 * at + channel] = pixels[at * channels + (channels === 3 ? channel : 0)];
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Show a canvas as large as fits into width x height CSS pixels: from twice its size on in squares,
// below that smoothly. isWhole: all squares equally large, a whole number of the screen's pixels.
function fit(canvas, width, height, isWhole = false) {
  const ratio = window.devicePixelRatio || 1;
  const room = Math.min(width / canvas.width, height / canvas.height);
  const inSquares = room * ratio >= 2;
  const factor = inSquares && isWhole ? Math.floor(room * ratio) / ratio : room;
  canvas.style.width = `${canvas.width * factor}px`;
  canvas.style.height = `${canvas.height * factor}px`;
  canvas.style.imageRendering = inSquares ? "pixelated" : "auto";
}

// A canvas for a small picture beside others, which is not read out.
function thumbnail(model) {
  const canvas = document.createElement("canvas");
  canvas.width = model.width;
  canvas.height = model.height;
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

// Give the canvases of a grid the size that its columns leave; style.css says how many there are.
function fitTiles(grid, largest) {
  const style = getComputedStyle(grid), columns = Number(style.getPropertyValue("--columns"));
  const side = (grid.clientWidth - (columns - 1) * parseFloat(style.columnGap)) / columns;
  for (const canvas of grid.querySelectorAll("canvas"))
    fit(canvas, Math.floor(Math.min(side, largest)), Math.floor(Math.min(side, largest)));
}

// Save a canvas as a PNG of the picture's own size.
function save(canvas, name) {
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }, "image/png");
}
