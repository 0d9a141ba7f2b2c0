import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeText, withoutPadding } from './text.ts';

test('windows-1252: what lies between the controls of latin1', () => {
  const bytes = Uint8Array.from([0x41, 0x80, 0x93, 0xe9, 0x94, 0x9f, 0x81, 0xa0]);
  assert.equal(decodeText(bytes, 0, bytes.length, 'windows-1252'), 'A\u20ac\u201c\u00e9\u201d\u0178\u0081\u00a0');
  assert.equal(decodeText(bytes, 1, 2, 'windows-1252'), '\u20ac');
});

test('windows-1252 agrees with an independent table, byte by byte', () => {
  const assigned: readonly [number, string][] = [
    [0x82, '\u201a'],
    [0x83, '\u0192'],
    [0x84, '\u201e'],
    [0x85, '\u2026'],
    [0x86, '\u2020'],
    [0x88, '\u02c6'],
    [0x89, '\u2030'],
    [0x8a, '\u0160'],
    [0x8c, '\u0152'],
    [0x8e, '\u017d'],
    [0x91, '\u2018'],
    [0x95, '\u2022'],
    [0x96, '\u2013'],
    [0x97, '\u2014'],
    [0x98, '\u02dc'],
    [0x99, '\u2122'],
    [0x9a, '\u0161'],
    [0x9b, '\u203a'],
    [0x9c, '\u0153'],
    [0x9e, '\u017e'],
  ];
  for (const [byte, character] of assigned)
    assert.equal(decodeText(Uint8Array.of(byte), 0, 1, 'windows-1252'), character);
});

test('padding: zeros and space at the end, in one pass', () => {
  assert.equal(withoutPadding(' a b \0 \t\r\n'), ' a b');
  assert.equal(withoutPadding(' \0 '), '');
  assert.equal(withoutPadding(''), '');
  const long = `${'\0'.repeat(1_000_000)}x`;
  assert.equal(withoutPadding(long), long);
});
