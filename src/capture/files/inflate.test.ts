import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { drain, expected, inputError, samplePackets, TempFolder } from '../test-support.ts';
import { openFiles } from './file.ts';
import { type CapturedPacket, pcapFile } from './pcap-writer.ts';

test('compressed files: gzip, several members, zstd with and without the command', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets();
  const file = pcapFile(packets);
  const gz = folder.write(gzipSync(file), 'a.pcap.gz');
  const members = Buffer.concat([gzipSync(file.subarray(0, 100)), gzipSync(file.subarray(100))]);
  const twoMembers = folder.write(members, 'b.pcap.gz');
  const source = openFiles([gz]);
  assert.deepEqual(drain(source), expected(packets, 1n));
  assert.equal(source.bytesRead, source.bytesTotal);
  assert.deepEqual(drain(openFiles([twoMembers], { readBytesMax: 13 })), expected(packets, 1n));
  const zst = folder.write(rawZstdFrame(file), 'c.pcap.zst');
  const { PATH = '' } = process.env;
  t.after(() => {
    process.env['PATH'] = PATH;
  });
  for (const path of ['', PATH]) {
    process.env['PATH'] = path;
    const source = openFiles([zst]);
    assert.deepEqual(drain(source), expected(packets, 1n), `PATH=${path}`);
    assert.equal(source.bytesRead, source.bytesTotal);
    const cut = openFiles([folder.write(rawZstdFrame(file).subarray(0, -1), 'cut.pcap.zst')]);
    assert.ok(drain(cut).length <= packets.length);
    assert.equal(cut.stats().truncatedInputs, 1, `PATH=${path}`);
    const reserved = rawZstdFrame(file);
    reserved[9] = (reserved[9] as number) | 6; // a block type that does not exist
    const corrupt = folder.write(reserved, 'corrupt.pcap.zst');
    assert.throws(() => drain(openFiles([corrupt])), inputError(`${corrupt}: corrupt zstd data`));
    const huge = folder.write(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0xa0, ...new Uint8Array(20)), 'huge.pcap.zst');
    assert.throws(() => drain(openFiles([huge])), inputError(`${huge}: corrupt zstd data`), 'a window of a gigabyte');
  }
});

/** A zstd frame (RFC 8878) of one raw block: stored, not compressed, so that no encoder is needed. */
function rawZstdFrame(content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(9 + 3 + content.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0xfd2fb528, true);
  frame[4] = 0xa0; // content size in four bytes, single segment
  view.setUint32(5, content.length, true);
  const header = (content.length << 3) | 1; // raw, last
  frame.set([header & 0xff, (header >>> 8) & 0xff, header >>> 16], 9);
  frame.set(content, 12);
  return frame;
}

test('a compressed file that is cut off or corrupt', (t) => {
  const folder = new TempFolder(t);
  const packets: CapturedPacket[] = [];
  for (let i = 0; i < 20_000; i++) packets.push({ bytes: new Uint8Array(100).fill(i * 31), tsNs: BigInt(i) });
  const file = pcapFile(packets);
  const gz = gzipSync(file, { level: 1 });
  const cut = openFiles([folder.write(gz.subarray(0, gz.length >> 1), 'cut.pcap.gz')]);
  const seen = drain(cut);
  assert.ok(seen.length > packets.length / 3 && seen.length < packets.length, `${seen.length} packets`);
  assert.deepEqual(seen, expected(packets.slice(0, seen.length), 1n));
  assert.equal(cut.stats().truncatedInputs, 1);
  gz[gz.length >> 1] = (gz[gz.length >> 1] as number) ^ 0xff;
  const corrupt = folder.write(gz, 'corrupt.pcap.gz');
  assert.throws(() => drain(openFiles([corrupt])), inputError(`${corrupt}: corrupt`));
  const closedEarly = openFiles([folder.write(gzipSync(file), 'whole.pcap.gz')]);
  while (closedEarly.poll(100) === undefined) assert.equal(closedEarly.ended, false);
  closedEarly.close();
  assert.equal(closedEarly.poll(100), undefined);
  const notInside = folder.write(gzipSync('plain text'), 'text.pcap.gz');
  assert.throws(() => drain(openFiles([notInside])), inputError('is not a pcap or pcapng file'));
});
