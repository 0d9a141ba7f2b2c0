import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from './address.ts';
import { NetworkMatcher, networkOf, parseAddress, parseNetwork, type Range } from './networks.ts';

const ADDRESSES: readonly [text: string, value: bigint | undefined][] = [
  ['0.0.0.1', 0xffff_0000_0001n],
  ['255.255.255.255', 0xffff_ffff_ffffn],
  ['::', 0n],
  ['::1', 1n],
  ['1::', 1n << 112n],
  ['2001:db8::ff00:42:8329', 0x2001_0db8_0000_0000_0000_ff00_0042_8329n],
  ['::ffff:1.2.3.4', 0xffff_0102_0304n],
  ['1:2:3:4:5:6:7:8', 0x0001_0002_0003_0004_0005_0006_0007_0008n],
  ['1:2:3:4:5:6:7', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['1:2:3:4:5:6:7::8', undefined],
  ['1::2::3', undefined],
  ['1.2.3', undefined],
  ['1.2.3.04', undefined],
  ['1.2.3.4.5', undefined],
  ['::1.2.3', undefined],
  ['::12345', undefined],
  ['host', undefined],
  ['', undefined],
  [':', undefined],
];

test('addresses', () => {
  for (const [text, value] of ADDRESSES) assert.equal(parseAddress(text), value, text);
});

test('networks', () => {
  assert.deepEqual(parseNetwork('10.0.0.0/8'), { first: 0xffff_0a00_0000n, last: 0xffff_0aff_ffffn });
  assert.deepEqual(parseNetwork('::/0'), { first: 0n, last: (1n << 128n) - 1n });
  assert.deepEqual(parseNetwork('10.0.0.1 - 10.0.0.2'), { first: 0xffff_0a00_0001n, last: 0xffff_0a00_0002n });
  for (const text of ['10.0.0.0/', '10.0.0.0/x', '/8', '10.0.0.0/-1', '-', '10.0.0.1-', 'lan', '10.0.0.1-2001::1'])
    assert.equal(typeof parseNetwork(text), 'string', text);
});

const word = fc.oneof(fc.constantFrom(0, 1, -1, 0xffff), fc.integer());
const address = fc.oneof(
  fc.tuple(word, word, word, word).map((words) => formatAddress(...words)),
  word.map((last) => formatAddress(0, 0, 0xffff, last)),
);

test('what is written is read as it was, and its network is the one around it', () => {
  fc.assert(
    fc.property(address, fc.nat(128), (text, bits) => {
      const network = networkOf(text, bits);
      const range = parseNetwork(network);
      assert.ok(typeof range !== 'string', `${text}/${bits}: ${network}`);
      assert.ok(new NetworkMatcher([range]).test(text), `${text} in ${network}`);
    }),
    { seed: 3, numRuns: 1000 },
  );
});

test('a network has the addresses that it has for Node too', () => {
  fc.assert(
    fc.property(address, address, fc.nat(128), (around, text, bits) => {
      const [base = '', length = ''] = networkOf(around, bits).split('/');
      const oracle = new BlockList();
      oracle.addSubnet(base, Number(length), base.includes(':') ? 'ipv6' : 'ipv4');
      const matcher = new NetworkMatcher([parseNetwork(`${base}/${length}`) as Range]);
      // To Node an IPv6 network also has the IPv4 addresses within; here each family is its own.
      const isAlike = base.includes(':') === text.includes(':');
      const expected = isAlike && oracle.check(text, text.includes(':') ? 'ipv6' : 'ipv4');
      assert.equal(matcher.test(text), expected, `${text} in ${base}/${length}`);
    }),
    { seed: 4, numRuns: 2000 },
  );
});

test('each family is its own; an IPv4 address in the clothes of IPv6 is one of IPv4', () => {
  assert.equal(networkOf('::ffff:10.1.2.3', 104), '10.0.0.0/8');
  assert.equal(networkOf('::ffff:10.1.2.3', 64), '::/64');
  assert.ok(new NetworkMatcher([parseNetwork('10.0.0.0/8') as Range]).test('::ffff:10.1.2.3'));
  const everyV6 = new NetworkMatcher([parseNetwork('::/0') as Range]);
  assert.deepEqual(
    ['::1', '2001:db8::1', '10.0.0.1'].map((text) => everyV6.test(text)),
    [true, true, false],
  );
});
