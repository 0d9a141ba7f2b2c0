/**
 * The colours of `tokens.css`, measured: contrast of text (WCAG 2.2), and whether neighbours can be told apart with each of
 * three kinds of colour blindness (linear-RGB simulation of Machado, Oliveira and Fernandes 2009, distance in CIE L*a*b*).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

type Rgb = readonly [number, number, number];
type Matrix = readonly [Rgb, Rgb, Rgb];

const FILE = resolve(import.meta.dirname, '../../../../web/src/styles/tokens.css');
const SIGHTS: Readonly<Record<string, Matrix>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Linear light of each token, in light (0) and in dark (1). */
function readTokens(): ReadonlyMap<string, readonly [Rgb, Rgb]> {
  const tokens = new Map<string, readonly [Rgb, Rgb]>();
  const text = readFileSync(FILE, 'utf8');
  for (const [, name = '', light = '', dark = ''] of text.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\)/g)) {
    tokens.set(name, [linear(light), linear(dark)]);
  }
  return tokens;
}

function linear(hex: string): Rgb {
  const digits = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit) : (hex.slice(1).match(/../g) ?? []);
  const [r = 0, g = 0, b = 0] = digits.map((pair) => {
    const value = Number.parseInt(pair, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return [r, g, b];
}

function luminance([r, g, b]: Rgb): number {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function times(matrix: Matrix, [r, g, b]: Rgb): Rgb {
  const [x, y, z] = matrix.map((row) => Math.min(1, Math.max(0, row[0] * r + row[1] * g + row[2] * b)));
  return [x ?? 0, y ?? 0, z ?? 0];
}

const TO_XYZ: Matrix = [
  [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
  [0.2126, 0.7152, 0.0722],
  [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
];

function lab(colour: Rgb): Rgb {
  const [x, y, z] = times(TO_XYZ, colour).map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as [
    number,
    number,
    number,
  ];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Smallest distance over all kinds of sight. */
function distance(one: Rgb, other: Rgb): number {
  return Math.min(
    ...Object.values(SIGHTS).map((sight) => {
      const [a, b] = [lab(times(sight, one)), lab(times(sight, other))];
      return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    }),
  );
}

const TOKENS = readTokens();
const MODES = [
  ['light', 0],
  ['dark', 1],
] as const;

function token(name: string, mode: 0 | 1): Rgb {
  const found = TOKENS.get(name);
  assert.ok(found !== undefined, `--${name} is a colour for light and dark`);
  return found[mode];
}

test('text on its ground has the contrast of level AA', () => {
  const pairs = [
    ...[
      'text',
      'muted',
      'link',
      'bad',
      'sql-keyword',
      'sql-string',
      'sql-number',
      'sql-comment',
      'sql-parameter',
    ].flatMap((name) => [
      [name, 'page'],
      [name, 'raised'],
    ]),
    ['link', 'accent-soft'],
    ['text', 'accent-soft'],
    ['text', 'bad-soft'],
    ['on-accent', 'accent'],
    ['on-mark', 'mark'],
    ...['critical', 'high', 'medium', 'low', 'info'].map((name) => [`on-${name}`, name]),
  ] as [string, string][];
  for (const [mode, index] of MODES) {
    for (const [text, ground] of pairs) {
      const found = contrast(token(text, index), token(ground, index));
      assert.ok(found >= 4.5, `${text} on ${ground} in ${mode}: ${found.toFixed(2)}`);
    }
  }
});

test('edges of controls stand out from the page', () => {
  for (const [mode, index] of MODES) {
    const found = contrast(token('edge', index), token('page', index));
    assert.ok(found >= 3, `edge in ${mode}: ${found.toFixed(2)}`);
  }
});

test('severities and outcomes are told apart with any sight', () => {
  for (const group of [
    ['critical', 'high', 'medium', 'low', 'info'],
    ['ok', 'error', 'denied', 'gap'],
  ]) {
    for (const [mode, index] of MODES) {
      for (const [at, one] of group.entries()) {
        for (const other of group.slice(at + 1)) {
          const found = distance(token(one, index), token(other, index));
          assert.ok(found >= 18, `${one} and ${other} in ${mode}: ${found.toFixed(1)}`);
        }
      }
    }
  }
});

test('neighbours in a stack of bars are told apart with any sight', () => {
  const stack = [1, 2, 3, 4, 5, 6, 7].map((number) => `series-${number}`);
  for (const [mode, index] of MODES) {
    for (const [at, one] of stack.slice(0, -1).entries()) {
      const other = stack[at + 1] as string;
      const found = distance(token(one, index), token(other, index));
      assert.ok(found >= 18, `${one} and ${other} in ${mode}: ${found.toFixed(1)}`);
    }
  }
});
