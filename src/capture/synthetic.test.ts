import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { VLAN_PRESENT } from '../contracts/packet.ts';
import { pcapFile, pcapngFile } from './files/pcap-writer.ts';
import { addressBytes } from './frames.ts';
import { Conversation, SyntheticSource } from './synthetic.ts';
import { drain, packetsOf, TempFolder } from './test-support.ts';

test('batches have the packets in order, and losses start a batch', () => {
  const packets = [0, 1, 2, 3, 4].map((n) => ({
    bytes: new Uint8Array(n).fill(n),
    tsNs: 1_000_000_000n * BigInt(n) + 5n,
    ...(n === 1 ? { lostBefore: 9, wireBytes: 60, vlan: VLAN_PRESENT | 5, link: 113, interfaceIndex: 1 } : {}),
  }));
  const source = new SyntheticSource(packets, { batchPacketsMax: 3, interfaces: ['a', 'b'] });
  const batches: [number, number][] = [];
  while (!source.ended) {
    const batch = source.poll(0);
    assert.ok(batch !== undefined);
    batches.push([batch.count, batch.lostBefore]);
    source.release(batch);
  }
  assert.deepEqual(batches, [
    [1, 0],
    [3, 9],
    [1, 0],
  ]);
  assert.deepEqual(source.stats(), {
    packets: 5,
    bytes: 69,
    drops: 9,
    freezes: 0,
    truncatedInputs: 0,
    cutPackets: 1,
    cutBytes: 59,
  });
  const [, second] = drain(new SyntheticSource(packets));
  assert.deepEqual(second, {
    hex: '01',
    tsNs: 1_000_000_005n,
    wireBytes: 60,
    vlan: VLAN_PRESENT | 5,
    link: 113,
    interfaceIndex: 1,
  });
});

test('released bytes are overwritten', () => {
  const source = new SyntheticSource([{ bytes: Uint8Array.of(1, 2, 3), tsNs: 0n }]);
  const batch = source.poll(0);
  assert.ok(batch !== undefined);
  assert.equal(packetsOf(batch)[0]?.hex, '010203');
  source.release(batch);
  assert.deepEqual([...batch.bytes], [0xdd, 0xdd, 0xdd]);
});

test('addresses in every notation', () => {
  const table = [
    ['10.1.2.3', '0a010203'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['fd00:1::a:ff', 'fd0000010000000000000000000a00ff'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['fe80::', `fe80${'0'.repeat(28)}`],
  ] as const;
  for (const [address, hex] of table) assert.equal(Buffer.from(addressBytes(address)).toString('hex'), hex, address);
});

test('an independent tool reads the conversations and finds nothing wrong', (t) => {
  if (spawnSync('tshark', ['--version']).status !== 0) return t.skip('tshark is not here');
  const folder = new TempFolder(t);
  const v4 = new Conversation({ mssBytes: 500, clientSeq: 0xffffff00, ethernet: { vlans: [7] } });
  v4.open().toServer(new Uint8Array(1201).fill(65)).toClient('reply').close();
  const v6 = new Conversation({
    client: { address: 'fd00::1', port: 1234 },
    server: { address: 'fd00::2', port: 3306 },
    startNs: v4.nowNs,
  });
  v6.open().toServer('x').reset(false);
  const packets = [...v4.packets, ...v6.packets];
  for (const [name, bytes] of [
    ['c.pcap', pcapFile(packets)],
    ['c.pcapng', pcapngFile(packets)],
  ] as const) {
    const path = folder.write(bytes, name);
    const fields = ['tcp.stream', 'tcp.len', 'tcp.checksum.status', 'ip.checksum.status', 'tcp.analysis.flags'];
    const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
    const output = execFileSync(
      'tshark',
      ['-r', path, ...checks, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]), '-E', 'separator=,'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const rows = output.trim().split('\n');
    assert.deepEqual(rows.slice(0, 10), [
      ...['0', '0', '0', '500', '500', '201', '5', '0', '0', '0'].map((length) => `0,${length},1,1,`),
    ]);
    assert.deepEqual(rows.slice(10), ['1,0,1,,', '1,0,1,,', '1,0,1,,', '1,1,1,,', '1,0,1,,']);
  }
});
