import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryError } from '../query/errors.ts';
import { FlowTotals, parseKeys } from './aggregate.ts';
import type { FlowEnd, FlowStatus } from './schema.ts';

const END: FlowEnd = { address: '', port: 0, packets: 0, bytes: 0, payload: 0, retransmitted: 0 };

/** Records of one connection, `n` apart, in which both sides count alike but for a factor of ten. */
function status(n: number, more: Partial<FlowStatus> = {}): FlowStatus {
  const counts = { packets: n, bytes: 100 * n, payload: 50 * n, retransmitted: n };
  const tenfold = { packets: 10 * n, bytes: 1000 * n, payload: 500 * n, retransmitted: 10 * n };
  return {
    startUs: n * 5e6,
    endUs: n * 5e6 + 1e6,
    session: 'aa',
    sensor: 's1',
    interface: 'eth1',
    client: { ...END, address: '10.1.2.3', port: 40_000, ...counts },
    server: { ...END, address: '10.9.0.1', port: 5432, ...tenfold },
    state: 'CON',
    directed: true,
    first: n === 1,
    synAckUs: undefined,
    ackDataUs: undefined,
    vlanId: undefined,
    tunnel: '',
    class: 'database',
    records: 1,
    ...more,
  };
}

function totalsBy(keys: string, ...statuses: readonly FlowStatus[]): FlowTotals {
  const totals = new FlowTotals(parseKeys(keys), (session) => (session === 'aa' ? 'alice' : ''));
  for (const each of statuses) totals.add(each);
  return totals;
}

test('what both sides did is added up, the state is that of the record that ended last', () => {
  const [total] = totalsBy('session', status(3, { state: 'FIN' }), status(1), status(2)).inOrder();
  assert.deepEqual(total, {
    key: ['aa'],
    startUs: 5e6,
    endUs: 16e6,
    connections: 1,
    records: 3,
    clientPackets: 6,
    serverPackets: 60,
    clientBytes: 600,
    serverBytes: 6000,
    clientPayload: 300,
    serverPayload: 3000,
    retransmitted: 66,
    state: 'FIN',
  });
});

test('a key is made of the fields that were asked for', () => {
  const keyOf = (keys: string, more: Partial<FlowStatus> = {}): readonly string[] | undefined =>
    totalsBy(keys, status(1, more)).inOrder()[0]?.key;
  assert.deepEqual(keyOf('client/24,server/16,clientport,port'), ['10.1.2.0/24', '10.9.0.0/16', '40000', '5432']);
  assert.deepEqual(keyOf('vlan,tunnel'), ['', '']);
  assert.deepEqual(keyOf('vlan,tunnel', { vlanId: 7, tunnel: 'vxlan:1' }), ['7', 'vxlan:1']);
  assert.deepEqual(keyOf('user,state,class,sensor,interface'), ['alice', 'CON', 'database', 's1', 'eth1']);
  assert.deepEqual(keyOf('connection'), ['aa', '10.1.2.3', '40000', '10.9.0.1', '5432']);
  assert.deepEqual(keyOf('all'), []);
  assert.throws(() => parseKeys('colour'), QueryError);
  assert.throws(() => parseKeys('port/24'), QueryError);
  assert.throws(() => parseKeys('client/129'), QueryError);
});

test('a connection counts once under each key, however many records it has', () => {
  const other = { session: 'bb', client: { ...END, address: '10.1.2.4', bytes: 1 } };
  const totals = totalsBy('port', status(1), status(2), status(1, other), status(2, other));
  assert.deepEqual(
    totals.inOrder().map(({ key, connections, records }) => [key, connections, records]),
    [[['5432'], 2, 4]],
  );
});

test('most bytes come first when ranked, else the oldest', () => {
  const late = status(9, { session: 'bb' });
  const totals = totalsBy('session', late, status(1));
  assert.deepEqual(
    totals.ranked().map(({ key }) => key),
    [['bb'], ['aa']],
  );
  assert.deepEqual(
    totals.inOrder().map(({ key }) => key),
    [['aa'], ['bb']],
  );
});
