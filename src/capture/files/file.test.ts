import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { LINK_ETHERNET, LINK_LINUX_SLL, LINK_NULL, LINK_RAW_IP } from '../../contracts/packet.ts';
import { InputError } from '../batch.ts';
import { drain, expected, inputError, samplePackets, TempFolder } from '../test-support.ts';
import { type FileOptions, openFiles } from './file.ts';
import { type PcapFormat, PcapngWriter, pcapFile, pcapngFile } from './pcap-writer.ts';

const READ_SIZES: readonly FileOptions[] = [
  {},
  { readBytesMax: 1 },
  { readBytesMax: 7 },
  { readBytesMax: 61, batchPacketsMax: 1 },
  { batchPacketsMax: 3 },
];

const PCAP_FORMATS: readonly PcapFormat[] = [
  { littleEndian: true, resolution: 'ns' },
  { littleEndian: false, resolution: 'ns' },
  { littleEndian: true, resolution: 'us' },
  { littleEndian: false, resolution: 'us' },
  { littleEndian: true, modified: true },
  { littleEndian: false, modified: true },
];

test('pcap: every format gives the packets that were written, however the reads fall', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets();
  for (const format of PCAP_FORMATS) {
    const path = folder.write(pcapFile(packets, format));
    const unitNs = format.resolution === 'ns' ? 1n : 1000n;
    for (const options of READ_SIZES) {
      const source = openFiles([path], options);
      assert.deepEqual(drain(source), expected(packets, unitNs), JSON.stringify({ format, options }));
      assert.equal(source.stats().truncatedInputs, 0);
      assert.equal(source.stats().packets, packets.length);
      assert.equal(source.bytesRead, source.bytesTotal);
    }
  }
});

test('pcap: link types that are read, and one that is not', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets().slice(0, 2);
  const table = [
    [0, LINK_NULL],
    [1, LINK_ETHERNET],
    [12, LINK_RAW_IP],
    [14, LINK_RAW_IP],
    [101, LINK_RAW_IP],
    [113, LINK_LINUX_SLL],
    [276, 276],
    // A frame check sequence of four bytes, told of in the upper bits.
    [0x5000_0001, LINK_ETHERNET],
  ] as const;
  for (const [linkType, link] of table) {
    const path = folder.write(pcapFile(packets, { link: linkType }));
    assert.deepEqual(drain(openFiles([path])), expected(packets, 1n, link));
  }
  const path = folder.write(pcapFile(packets, { link: 105 }));
  assert.throws(() => drain(openFiles([path])), inputError(`${path}: link type 105 is not supported`));
});

test('pcap: a fraction over a second is carried into the seconds', (t) => {
  const folder = new TempFolder(t);
  const file = pcapFile([{ bytes: Uint8Array.of(1), tsNs: 0n }], { resolution: 'us' });
  new DataView(file.buffer).setUint32(24 + 4, 2_500_000, true);
  const [packet] = drain(openFiles([folder.write(file)]));
  assert.equal(packet?.tsNs, 2_500_000_000n);
});

test('pcapng: sections in both orders, interfaces with their own link, resolution and offset', (t) => {
  const folder = new TempFolder(t);
  const packet = { bytes: Uint8Array.of(1, 2, 3, 4, 5) };
  const parts: Uint8Array[] = [];
  for (const little of [true, false]) {
    const writer = new PcapngWriter(little);
    parts.push(
      writer.section(),
      writer.interface({ name: 'eth0' }),
      writer.interface({ link: LINK_RAW_IP, resolution: 9, offsetSeconds: 1000 }),
      writer.interface({ resolution: 0x80 | 20 }),
      writer.block(0xbad, new Uint8Array(400_000)),
      writer.enhancedPacket(0, 1_760_000_000_000_001n, packet),
      writer.enhancedPacket(1, 1_760_000_000_000_000_001n, { ...packet, wireBytes: 60 }),
      writer.enhancedPacket(2, (1_760_000_000n << 20n) | 1n, packet),
      writer.obsoletePacket(1, 5_000_000_001n, packet),
      writer.simplePacket({ ...packet, wireBytes: 4 }),
    );
  }
  const path = folder.write(Buffer.concat(parts));
  const hex = '0102030405';
  const seen = (tsNs: bigint, link: number, wireBytes: number, bytes = hex) => ({
    hex: bytes,
    tsNs,
    wireBytes,
    link,
    vlan: 0,
    interfaceIndex: 0,
  });
  const section = [
    seen(1_760_000_000_000_001_000n, LINK_ETHERNET, 5),
    seen(1_760_001_000_000_000_001n, LINK_RAW_IP, 60),
    seen(1_760_000_000_000_000_953n, LINK_ETHERNET, 5),
    seen(1_005_000_000_001n, LINK_RAW_IP, 5),
    seen(1_005_000_000_001n, LINK_ETHERNET, 4, '01020304'),
  ];
  for (const options of READ_SIZES.filter((size) => size.readBytesMax !== 1)) {
    const source = openFiles([path], options);
    assert.deepEqual(drain(source), [...section, ...section], JSON.stringify(options));
    assert.equal(source.stats().truncatedInputs, 0);
  }
});

test('pcapng: what the capturing program lost is told', (t) => {
  const folder = new TempFolder(t);
  const writer = new PcapngWriter(false);
  const section = [writer.section(), writer.interface(), writer.statistics(0, 3n), writer.statistics(0, 5n)];
  const unknown = writer.statistics(0, 2n ** 64n - 1n);
  const stray = writer.statistics(9, 1n);
  const source = openFiles([folder.write(Buffer.concat([...section, stray, ...section, ...section, unknown]))]);
  assert.deepEqual(drain(source), []);
  assert.equal(source.stats().drops, 10);
});

test('pcapng: what the file claims against itself is one line with the place', (t) => {
  const folder = new TempFolder(t);
  const writer = new PcapngWriter();
  const start = [writer.section(), writer.interface()];
  const packet = { bytes: Uint8Array.of(1, 2, 3, 4) };
  const undeclared = folder.write(Buffer.concat([...start, writer.enhancedPacket(7, 0n, packet)]));
  assert.throws(
    () => drain(openFiles([undeclared])),
    inputError(`${undeclared}: corrupt at byte 48: a packet of interf`),
  );
  const twoLengths = Buffer.concat([...start, writer.block(99, new Uint8Array(8)), writer.section()]);
  twoLengths[48 + 16] = 24;
  const path = folder.write(twoLengths);
  assert.throws(() => drain(openFiles([path])), inputError(`${path}: corrupt at byte 64: the two lengths`));
});

test('a file cut at any byte is read to its last whole packet', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets().slice(0, 4);
  for (const [name, file] of [
    ['pcap', pcapFile(packets)],
    ['pcapng', pcapngFile(packets)],
  ] as const) {
    const ends = name === 'pcap' ? pcapEnds(file) : pcapngEnds(file);
    for (let cut = 4; cut < file.length; cut++) {
      const source = openFiles([folder.write(file.subarray(0, cut), `cut.${name}`)]);
      const seen = drain(source);
      const whole = ends.packets.filter((end) => end <= cut).length;
      assert.deepEqual(seen, expected(packets.slice(0, whole), 1n), `${name} cut at ${cut}`);
      assert.equal(source.stats().truncatedInputs, ends.all.includes(cut) ? 0 : 1, `${name} cut at ${cut}`);
    }
  }
});

/** Where the file may end, and where its packets do: walks that are independent of the readers. */
function pcapEnds(file: Uint8Array): { all: number[]; packets: number[] } {
  const view = new DataView(file.buffer, file.byteOffset);
  const packets: number[] = [];
  for (let at = 24; at < file.length; packets.push(at)) at += 16 + view.getUint32(at + 8, true);
  return { all: [24, ...packets], packets };
}

function pcapngEnds(file: Uint8Array): { all: number[]; packets: number[] } {
  const view = new DataView(file.buffer, file.byteOffset);
  const all: number[] = [];
  const packets: number[] = [];
  for (let at = 0; at < file.length; ) {
    const isPacket = view.getUint32(at, true) === 6;
    at += view.getUint32(at + 4, true);
    all.push(at);
    if (isPacket) packets.push(at);
  }
  return { all, packets };
}

test('mutated files give packets or an InputError, and always end', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets();
  const files = [pcapFile(packets), pcapFile(packets, { littleEndian: false }), pcapngFile(packets)];
  let errors = 0;
  fc.assert(
    fc.property(
      fc.nat(files.length - 1),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (index, changes) => {
        const bytes = Uint8Array.from(files[index] as Uint8Array);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          drain(openFiles([folder.write(bytes, 'mutated')]));
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
          assert.ok(!error.message.includes('\n'));
          errors++;
        }
      },
    ),
    { seed: 42, numRuns: 1500 },
  );
  assert.ok(errors > 50, `only ${errors} mutations were noticed`);
});

test('a record longer than any packet is corrupt, after the packets before it were handed out', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets();
  const file = pcapFile(packets.slice(0, 2));
  const record = new Uint8Array(16);
  new DataView(record.buffer).setUint32(8, 262_145, true);
  const path = folder.write(Buffer.concat([file, record]));
  const source = openFiles([path]);
  assert.equal(source.poll(0)?.count, 2);
  assert.throws(() => source.poll(0), inputError(`${path}: corrupt at byte ${file.length}: a packet of 262145 bytes`));
  assert.equal(source.ended, true);
  assert.equal(source.poll(0), undefined);
});

test('what is no capture is refused before anything is read', (t) => {
  const folder = new TempFolder(t);
  const good = folder.write(pcapFile(samplePackets()));
  const text = folder.write('select * from t;\n', 'x.pcap');
  const empty = folder.write('', 'empty.pcap');
  assert.throws(() => openFiles([good, text]), inputError(`${text} is not a pcap or pcapng file`));
  assert.throws(() => openFiles([empty]), inputError(`${empty} is not a pcap or pcapng file`));
  assert.throws(() => openFiles([join(folder.path, 'none.pcap')]), inputError('no such file'));
  assert.throws(() => openFiles([join(folder.path, '*.none')]), inputError('no such file'));
  assert.throws(() => openFiles([]), inputError('no input file'));
});

test('folders and patterns are expanded in natural order; several files are one source', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets();
  mkdirSync(join(folder.path, 'sub'));
  folder.write(pcapFile(packets.slice(0, 1)), 'x.pcap10');
  folder.write(pcapFile(packets.slice(0, 2)), 'x.pcap2');
  folder.write(pcapngFile(packets.slice(0, 3)), 'sub/y.pcapng');
  folder.write('{}', 'truth.json');
  const names = (paths: string[]) => openFiles(paths).interfaces.map((path) => path.slice(folder.path.length + 1));
  assert.deepEqual(names([folder.path]), ['sub/y.pcapng', 'x.pcap2', 'x.pcap10']);
  assert.deepEqual(names([join(folder.path, 'x.pcap?'), join(folder.path, 'x.pcap1*')]), ['x.pcap2', 'x.pcap10']);
  assert.deepEqual(names([join(folder.path, '**/*.pcap*')]), ['x.pcap2', 'x.pcap10', 'sub/y.pcapng']);
  assert.deepEqual(names([join(folder.path, 'x.pcap[!2]*')]), ['x.pcap10']);
  const source = openFiles([folder.path]);
  assert.deepEqual(
    drain(source).map((packet) => packet.interfaceIndex),
    [0, 0, 0, 1, 1, 2],
  );
});

test('standard input: a pipe that is slow, a redirected file, no capture', (t) => {
  const folder = new TempFolder(t);
  const packets = samplePackets();
  const path = folder.write(pcapFile(packets));
  const script = folder.write(
    `import { writeFileSync } from 'node:fs';
     import { openFiles } from ${JSON.stringify(new URL('./file.js', import.meta.url).href)};
     const source = openFiles(['-']);
     let empty = 0;
     try {
       while (!source.ended) {
         const batch = source.poll(20);
         if (batch !== undefined) source.release(batch);
         else if (++empty === 3) writeFileSync(process.argv[2], '');
       }
       process.stdout.write(source.stats().packets + ' ' + (empty > 2));
     } catch (error) { process.stdout.write(error.name + ' ' + error.message); }`,
    'stdin.mjs',
  );
  const shell = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
  const waited = join(folder.path, 'waited');
  const node = `'${process.execPath}' '${script}' '${waited}'`;
  // The rest is sent when the reader has found nothing three times.
  const slowly = `head -c 300 '${path}'; until [ -e '${waited}' ]; do sleep 0.02; done; tail -c +301 '${path}'`;
  assert.equal(shell(`(${slowly}) | ${node}`), `${packets.length} true`);
  assert.equal(shell(`${node} < '${path}'`), `${packets.length} false`);
  assert.match(
    shell(`gzip -c '${path}' | ${node}`),
    /^InputError standard input is gzip data, which is read from files only: gzip -dc FILE \| wiretrail replay -$/,
  );
  assert.equal(shell(`echo hello | ${node}`), 'InputError standard input is not a pcap or pcapng file');
  assert.equal(shell(`${node} <&-`), 'InputError standard input is not a pcap or pcapng file');
});

test('recorded captures: as many packets as their description says', (t) => {
  const pcaps = join(import.meta.dirname, '../../../../shared/pcaps');
  if (!existsSync(pcaps)) return t.skip('../shared/pcaps is not here');
  const zstdHere = spawnSync('zstd', ['--version']).status === 0;
  let files = 0;
  for (const name of readdirSync(pcaps, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.truth.json')) continue;
    const truth = JSON.parse(readFileSync(join(pcaps, name), 'utf8')) as { file: string; packets: number };
    const path = join(pcaps, name, '..', truth.file);
    if (path.endsWith('.zst') && !zstdHere) continue;
    assert.equal(drain(openFiles([path])).length, truth.packets, path);
    files++;
  }
  assert.ok(files > 0);
});
