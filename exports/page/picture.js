// Pixels on canvases. Pictures are small: they are enlarged by whole factors, each pixel to a square,
// so that you see what the network made and not what a browser makes up between its pixels.

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

// Show a canvas as large as fits into width x height CSS pixels, by a whole number of the screen's
// own pixels; what is larger than that is made smaller, and then smoothly.
function fit(canvas, model, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const room = Math.min(width / model.width, height / model.height);
  const factor = Math.floor(room * ratio) >= 1 ? Math.floor(room * ratio) / ratio : room;
  canvas.style.width = `${model.width * factor}px`;
  canvas.style.height = `${model.height * factor}px`;
  canvas.style.imageRendering = factor * ratio >= 1 ? "pixelated" : "auto";
}

// A canvas for a small picture beside others, which is not read out.
function thumbnail(model, side) {
  const canvas = document.createElement("canvas");
  canvas.width = model.width;
  canvas.height = model.height;
  canvas.setAttribute("aria-hidden", "true");
  fit(canvas, model, side, side);
  return canvas;
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
