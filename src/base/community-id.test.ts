import assert from 'node:assert/strict';
import { test } from 'node:test';
import { communityId } from './community-id.ts';

// Values of the specification's reference implementation.
const table: readonly [string, number, string, number, string][] = [
  ['128.232.110.120', 34855, '66.35.250.204', 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['66.35.250.204', 80, '128.232.110.120', 34855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
];

for (const [a, portA, b, portB, expected] of table) {
  test(`community id of ${a}:${portA} and ${b}:${portB}`, () => {
    assert.equal(communityId(a, portA, b, portB), expected);
  });
}

test('community id of IPv6 ends does not depend on the order, nor on how the address is written', () => {
  const id = communityId('fe80::1', 1000, '2001:db8::5:0:0:9', 5432);
  assert.equal(communityId('2001:db8:0:0:5:0:0:9', 5432, 'fe80:0:0:0:0:0:0:1', 1000), id);
});
