/** Addresses: names survive the path, scope travels, parameters come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linkTo, matchPath, type Place, patched, segment } from './url.ts';

const here: Place = { path: '/search', params: new URLSearchParams('t=-2d&q=user:alice&id=7') };

test('any name survives a path segment', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
      assert.deepEqual(matchPath('/users/:name', `/users/${segment(name)}`), { name });
    }),
    { seed: 20_261_122 },
  );
});

test('a broken escape and a different path fit nothing', () => {
  assert.equal(matchPath('/users/:name', '/users/%E0%A4'), undefined);
  assert.equal(matchPath('/users/:name', '/users/a/b'), undefined);
  assert.equal(matchPath('/', '/search'), undefined);
});

test('a link to another page keeps time and zone, not the query or the open record', () => {
  assert.equal(linkTo('/alerts', {}, here), '/alerts?t=-2d');
  assert.equal(linkTo('/search', { q: 'op:DELETE,UPDATE' }, here), '/search?t=-2d&q=op:DELETE,UPDATE');
});

test('a patch sets, replaces and removes parameters', () => {
  assert.equal(patched({ id: undefined, q: 'user:bob' }, here), '/search?t=-2d&q=user:bob');
  assert.equal(patched({ q: '', t: '', id: '' }, here), '/search');
});
