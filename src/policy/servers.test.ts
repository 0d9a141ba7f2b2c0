import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicies } from './policy.ts';
import { serversOf } from './servers.ts';

function servers(
  record: 'all' | 'matched',
  ...rules: readonly { when: string; action?: string; mode?: string }[]
): unknown {
  const text = [
    'version: 1',
    'title: Servers',
    `record: ${record}`,
    'rules:',
    ...rules.flatMap(({ when, action, mode }, i) => [
      `  - id: rule-${i}`,
      '    title: A rule',
      '    reason: For the test.',
      '    severity: low',
      `    action: ${action ?? 'record'}`,
      `    mode: ${mode ?? 'enforce'}`,
      `    when: ${when}`,
    ]),
  ].join('\n');
  const found = serversOf(parsePolicies([{ name: 'servers.yaml', text }]));
  return found?.map(({ addresses, ports }) => [
    addresses?.map(({ first, last }) => [first & 0xffff_ffffn, last - first]),
    ports?.map(({ first, last }) => [first, last]),
  ]);
}

const TEN = [0x0a00_0000n, 0xffffffn];
const ONE = [0x0b00_0001n, 0n];

test('servers and ports of all rules that keep something', () => {
  assert.deepEqual(
    servers(
      'matched',
      { when: '{ server: 10.0.0.0/8, operation: DELETE }' },
      { when: '{ server: 11.0.0.1, server_port: [5432, 1521-1530] }', action: 'alert' },
      { when: '{ server_port: 3306 }' },
      { when: '{ user: nobody }', action: 'ignore' },
    ),
    [
      [[TEN], undefined],
      [
        [ONE],
        [
          [5432, 5432],
          [1521, 1530],
        ],
      ],
      [undefined, [[3306, 3306]]],
    ],
  );
});

test('the servers of a rule on trial, which records what it would have others ignore', () => {
  const ignoring = { when: '{ server_port: 3306 }', action: 'ignore' };
  assert.deepEqual(servers('matched', { when: '{ server_port: 5432 }' }, ignoring), [[undefined, [[5432, 5432]]]]);
  assert.deepEqual(servers('matched', { when: '{ server_port: 5432 }' }, { ...ignoring, mode: 'shadow' }), [
    [undefined, [[5432, 5432]]],
    [undefined, [[3306, 3306]]],
  ]);
});

test('any server, when a rule does not name one or everything is recorded', () => {
  assert.equal(servers('matched', { when: '{ server: 11.0.0.1 }' }, { when: '{ operation: DROP TABLE }' }), undefined);
  assert.equal(servers('all', { when: '{ server: 11.0.0.1 }' }), undefined);
  assert.equal(servers('matched', { when: '{ not: { server: 11.0.0.1 } }' }), undefined);
  assert.equal(servers('matched', { when: '{ any: [{ server: 11.0.0.1 }, { user: alice }] }' }), undefined);
});

test('alternatives are taken together, of conditions that all must hold each narrows', () => {
  assert.deepEqual(servers('matched', { when: '{ any: [{ server: 11.0.0.1 }, { server: 10.0.0.0/8 }] }' }), [
    [[ONE], undefined],
    [[TEN], undefined],
  ]);
  assert.deepEqual(
    servers('matched', {
      when: '{ all: [{ any: [{ server: 11.0.0.1 }, { server: 10.0.0.0/8 }] }, { server_port: 5432 }, { user: a }] }',
    }),
    [
      [[ONE], [[5432, 5432]]],
      [[TEN], [[5432, 5432]]],
    ],
  );
});
