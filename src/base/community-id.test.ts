import assert from 'node:assert/strict';
import { test } from 'node:test';
import { communityId } from './community-id.ts';

test('the published examples of the specification', () => {
  // 128.232.110.120:34855 to 66.35.250.204:80, from the baseline data of the specification.
  assert.equal(communityId('128.232.110.120', 34855, '66.35.250.204', 80), '1:LQU9qZlK+B5F3KDmev6m5PMibrg=');
  assert.equal(communityId('66.35.250.204', 80, '128.232.110.120', 34855), '1:LQU9qZlK+B5F3KDmev6m5PMibrg=');
});

test('both directions agree, whatever the spelling of an IPv6 address', () => {
  const id = communityId('2001:db8::1', 40000, '2001:db8:0:0:0:0:0:2', 5432);
  assert.match(id, /^1:[A-Za-z0-9+/]{27}=$/);
  assert.equal(communityId('2001:0db8::0002', 5432, '2001:db8::1', 40000), id);
  assert.notEqual(communityId('2001:db8::1', 40001, '2001:db8::2', 5432), id);
  assert.equal(communityId('::ffff:10.0.0.1', 1, '::1', 2), communityId('::ffff:a00:1', 1, '0:0:0:0:0:0:0:1', 2));
});

test('the same address at both ends is ordered by port', () => {
  assert.equal(communityId('127.0.0.1', 9, '127.0.0.1', 1000), communityId('127.0.0.1', 1000, '127.0.0.1', 9));
});

test('text that is no address has no id', () => {
  assert.equal(communityId('db.example', 1, '10.0.0.1', 2), '');
  assert.equal(communityId('10.0.0.1', 1, 'fe80::1%eth0', 2), '');
});
