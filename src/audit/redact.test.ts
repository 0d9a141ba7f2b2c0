import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnalyzer } from '../sql/analyzer.ts';
import { REDACTED, redactError } from './redact.ts';

function cleanError(errorText: string, text: string): string {
  return redactError(errorText, text, createAnalyzer().analyze(text, 'mysql'));
}

function alter(...passwords: readonly string[]): string {
  return `ALTER USER ${passwords.map((password, i) => `u${i} IDENTIFIED BY ${password}`).join(', ')}`;
}

test('a secret in an error is removed as it stands, without its quotes, and as it is meant', () => {
  const text = alter("'it''s'");
  assert.equal(cleanError(`near '${text.slice(11)}'`, text), `near 'u0 IDENTIFIED BY ${REDACTED}'`);
  assert.equal(cleanError("weak: it''s", text), `weak: ${REDACTED}`);
  assert.equal(cleanError("weak: it's", text), `weak: ${REDACTED}`);
  assert.equal(cleanError('no such user', text), 'no such user');
});

test('what stands for a secret is not searched for the next one', () => {
  // Each secret once multiplied what stood for the one before: ten of them filled the memory.
  const text = alter(...Array.from({ length: 500 }, () => "'*'"));
  assert.equal(cleanError('error at * and * here', text), `error at ${REDACTED} and ${REDACTED} here`);
});

test('secrets that overlap or touch are removed to the last character', () => {
  assert.equal(cleanError('said abcbc!', alter("'abc'", "'bc'", "'cbc'")), `said ${REDACTED}!`);
  assert.equal(cleanError('aaaa', alter("'aa'")), REDACTED);
  assert.equal(cleanError(`${'a'.repeat(100_000)}b`, alter(`'${'a'.repeat(50_000)}'`)), `${REDACTED}b`);
});

test('an error of a statement with very many secrets is withheld whole', () => {
  const text = alter(...Array.from({ length: 1100 }, (_, i) => `'p${i}'`));
  assert.equal(cleanError('near p7', text), REDACTED);
});
