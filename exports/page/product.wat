;; The one computation that needs to be fast: a product of matrices, C = A B, in WebAssembly with
;; SIMD. product.wasm is this file, built: python -m pip install wasmtime, then
;;   python -c "import wasmtime; open('product.wasm', 'wb').write(wasmtime.wat2wasm(open('product.wat').read()))"
;; tests/exports/test_web.py builds it again and compares.
;;
;; All matrices are float32. A [rows, inner] and C [rows, 8 panels] lie row by row. B [inner, 8
;; panels] lies in panels of 8 columns, each [inner, 8], so that it is read from front to back.
;; Every entry of C is the sum over `inner` in ascending order, with a rounding after each product
;; and each sum: the same bits in every browser. (Relaxed SIMD would be faster, and would not be.)
(module
  (import "page" "memory" (memory 1))

  ;; Addresses in bytes, numbers of rows, of columns of A, and of panels of B.
  (func (export "product")
    (param $a i32) (param $b i32) (param $c i32)
    (param $rows i32) (param $inner i32) (param $panels i32)
    (local $left i32) (local $k i32) (local $row i32) (local $at i32) (local $out i32)
    (local $aStep i32) (local $cStep i32)
    (local $low v128) (local $high v128) (local $x v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    (local $h0 v128) (local $h1 v128) (local $h2 v128) (local $h3 v128)
    (local.set $aStep (i32.shl (local.get $inner) (i32.const 2)))
    (local.set $cStep (i32.shl (local.get $panels) (i32.const 5)))
    (block $done (loop $panel
      (br_if $done (i32.eqz (local.get $panels)))
      (local.set $left (local.get $rows))
      (local.set $row (local.get $a))
      (local.set $out (local.get $c))

      ;; Four rows at a time: each part of B that is loaded serves four products.
      (block $few (loop $four
        (br_if $few (i32.lt_u (local.get $left) (i32.const 4)))
        (local.set $l0 (v128.const f32x4 0 0 0 0)) (local.set $h0 (v128.const f32x4 0 0 0 0))
        (local.set $l1 (v128.const f32x4 0 0 0 0)) (local.set $h1 (v128.const f32x4 0 0 0 0))
        (local.set $l2 (v128.const f32x4 0 0 0 0)) (local.set $h2 (v128.const f32x4 0 0 0 0))
        (local.set $l3 (v128.const f32x4 0 0 0 0)) (local.set $h3 (v128.const f32x4 0 0 0 0))
        (local.set $at (local.get $b))
        (local.set $k (local.get $inner))
        (loop $sum
          (local.set $low (v128.load (local.get $at)))
          (local.set $high (v128.load offset=16 (local.get $at)))
          (local.set $x (v128.load32_splat (local.get $row)))
          (local.set $l0 (f32x4.add (local.get $l0) (f32x4.mul (local.get $x) (local.get $low))))
          (local.set $h0 (f32x4.add (local.get $h0) (f32x4.mul (local.get $x) (local.get $high))))
          (local.set $x (v128.load32_splat (i32.add (local.get $row) (local.get $aStep))))
          (local.set $l1 (f32x4.add (local.get $l1) (f32x4.mul (local.get $x) (local.get $low))))
          (local.set $h1 (f32x4.add (local.get $h1) (f32x4.mul (local.get $x) (local.get $high))))
          (local.set $x (v128.load32_splat
            (i32.add (local.get $row) (i32.shl (local.get $aStep) (i32.const 1)))))
          (local.set $l2 (f32x4.add (local.get $l2) (f32x4.mul (local.get $x) (local.get $low))))
          (local.set $h2 (f32x4.add (local.get $h2) (f32x4.mul (local.get $x) (local.get $high))))
          (local.set $x (v128.load32_splat
            (i32.add (local.get $row) (i32.mul (local.get $aStep) (i32.const 3)))))
          (local.set $l3 (f32x4.add (local.get $l3) (f32x4.mul (local.get $x) (local.get $low))))
          (local.set $h3 (f32x4.add (local.get $h3) (f32x4.mul (local.get $x) (local.get $high))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (local.set $row (i32.add (local.get $row) (i32.const 4)))
          (br_if $sum (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
        (v128.store (local.get $out) (local.get $l0))
        (v128.store offset=16 (local.get $out) (local.get $h0))
        (local.set $at (i32.add (local.get $out) (local.get $cStep)))
        (v128.store (local.get $at) (local.get $l1))
        (v128.store offset=16 (local.get $at) (local.get $h1))
        (local.set $at (i32.add (local.get $at) (local.get $cStep)))
        (v128.store (local.get $at) (local.get $l2))
        (v128.store offset=16 (local.get $at) (local.get $h2))
        (local.set $at (i32.add (local.get $at) (local.get $cStep)))
        (v128.store (local.get $at) (local.get $l3))
        (v128.store offset=16 (local.get $at) (local.get $h3))
        (local.set $out (i32.add (local.get $at) (local.get $cStep)))
        ;; $row stands behind the first of the four: the other three are passed over.
        (local.set $row (i32.add (local.get $row) (i32.mul (local.get $aStep) (i32.const 3))))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br $four)))

      ;; The rows that are left, one by one.
      (block $none (loop $one
        (br_if $none (i32.eqz (local.get $left)))
        (local.set $l0 (v128.const f32x4 0 0 0 0)) (local.set $h0 (v128.const f32x4 0 0 0 0))
        (local.set $at (local.get $b))
        (local.set $k (local.get $inner))
        (loop $sum
          (local.set $x (v128.load32_splat (local.get $row)))
          (local.set $l0 (f32x4.add (local.get $l0)
            (f32x4.mul (local.get $x) (v128.load (local.get $at)))))
          (local.set $h0 (f32x4.add (local.get $h0)
            (f32x4.mul (local.get $x) (v128.load offset=16 (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (local.set $row (i32.add (local.get $row) (i32.const 4)))
          (br_if $sum (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
        (v128.store (local.get $out) (local.get $l0))
        (v128.store offset=16 (local.get $out) (local.get $h0))
        (local.set $out (i32.add (local.get $out) (local.get $cStep)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $one)))

      ;; The next panel: B goes on where it is, C eight columns to the right.
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $aStep) (i32.const 3))))
      (local.set $c (i32.add (local.get $c) (i32.const 32)))
      (local.set $panels (i32.sub (local.get $panels) (i32.const 1)))
      (br $panel)))))
