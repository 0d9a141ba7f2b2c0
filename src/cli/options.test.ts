import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OVERLAP_LINUX } from '../reassembly/overlap.ts';
import { overlapRange } from './options.ts';

test('--overlap takes a network, a range or an address with a policy', () => {
  const before = overlapRange('10.0.0.0/8=linux');
  assert.deepEqual(before, [{ first: 0xffff_0a00_0000n, last: 0xffff_0aff_ffffn, policy: OVERLAP_LINUX }]);
  assert.equal(overlapRange('2001:db8::1=LAST', before).length, 2);
  for (const wrong of ['10.0.0.0/8', '10.0.0.0/8=windows', '=linux', '10.0.0.1/8=linux', 'db.example=first']) {
    assert.throws(() => overlapRange(wrong), /expected HOSTS=POLICY/);
  }
});
