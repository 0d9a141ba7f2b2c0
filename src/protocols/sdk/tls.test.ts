import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TlsFacts } from '../../contracts/event.ts';
import { type Direction, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { TlsObserver } from './tls.ts';

function sized(lengthBytes: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([length, content]);
}

function bytes(...values: readonly number[]): Buffer {
  return Buffer.from(values);
}

function extension(type: number, ...body: readonly Uint8Array[]): Buffer {
  return Buffer.concat([bytes(0, type), sized(2, ...body)]);
}

function handshake(type: number, ...body: readonly Uint8Array[]): Buffer {
  return Buffer.concat([bytes(type), sized(3, ...body)]);
}

function record(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([bytes(type, 3, 3), sized(2, content)]);
}

const names = ['postgresql', 'http/1.1'].map((name) => sized(1, Buffer.from(name)));
const clientHello = handshake(
  1,
  bytes(3, 3),
  Buffer.alloc(32, 1),
  sized(1, Buffer.alloc(32, 2)),
  sized(2, bytes(0x13, 1, 0xc0, 0x2f)),
  sized(1, bytes(0)),
  sized(
    2,
    extension(0, sized(2, bytes(0), sized(2, Buffer.from('db.example.com')))),
    extension(16, sized(2, ...names)),
    extension(43, sized(1, bytes(3, 4, 3, 3))),
  ),
);

function serverHello(cipher: readonly number[], ...extensions: readonly Uint8Array[]): Buffer {
  const head = [bytes(3, 3), Buffer.alloc(32, 3), sized(1), bytes(...cipher, 0)];
  return handshake(2, ...head, sized(2, ...extensions));
}

function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length < 0x80 ? bytes(body.length) : bytes(0x82, body.length >> 8, body.length & 0xff);
  return Buffer.concat([bytes(tag), length, body]);
}

function name(...attributes: readonly (readonly [oid: string, tag: number, value: Uint8Array])[]): Buffer {
  const sets = attributes.map(([oid, tag, value]) =>
    der(0x31, der(0x30, der(0x06, Buffer.from(oid, 'hex')), der(tag, value))),
  );
  return der(0x30, ...sets);
}

function certificate(subject: Uint8Array, version: readonly Uint8Array[] = [der(0xa0, der(2, bytes(2)))]): Buffer {
  const issuer = name(['550403', 0x0c, Buffer.from('An Issuer')]);
  const fixed = [der(2, bytes(5)), der(0x30, Buffer.alloc(9)), issuer, der(0x30, Buffer.alloc(30)), subject];
  const tbs = der(0x30, ...version, ...fixed, der(0x30, Buffer.alloc(200)));
  return handshake(11, sized(3, sized(3, der(0x30, tbs, Buffer.alloc(40))), sized(3, Buffer.alloc(10))));
}

const subject = name(['55040a', 0x13, Buffer.from('Acme')], ['550403', 0x0c, Buffer.from('db.example.com')]);

function observe(parts: readonly (readonly [Direction, Uint8Array])[], cut = 1 << 20): TlsObserver {
  const observer = new TlsObserver();
  for (const [direction, content] of parts) {
    for (let pos = 0; pos < content.length; pos += cut) {
      const piece = new Uint8Array(content.subarray(pos, pos + cut));
      observer.feed(direction, piece, 0, piece.length);
      piece.fill(0xdd);
    }
  }
  return observer;
}

const tls13: readonly (readonly [Direction, Uint8Array])[] = [
  [TO_SERVER, record(22, clientHello)],
  [TO_CLIENT, record(22, serverHello([0x13, 2], extension(43, bytes(3, 4))))],
];
const tls13Facts: TlsFacts = {
  sni: 'db.example.com',
  alpn: 'postgresql,http/1.1',
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
};
const flight = Buffer.concat([
  serverHello([0xc0, 0x30], extension(16, sized(2, sized(1, Buffer.from('postgresql'))))),
  certificate(subject),
  handshake(14),
]);
const tls12Facts: TlsFacts = {
  sni: 'db.example.com',
  alpn: 'postgresql',
  version: 'TLSv1.2',
  cipher: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  subject: 'CN=db.example.com',
};

test('TLS 1.3: what client and server say in their hellos', () => {
  const observer = observe(tls13);
  assert.deepEqual(observer.facts, tls13Facts);
  assert.ok(observer.done);
});

test('TLS 1.2: also the protocol the server chose and the subject of its certificate', () => {
  const observer = observe([
    [TO_SERVER, record(22, clientHello)],
    [TO_CLIENT, record(22, flight)],
  ]);
  assert.deepEqual(observer.facts, tls12Facts);
  assert.ok(observer.done);
});

test('records and segments may cut a message anywhere', () => {
  for (const recordBytes of [1, 3, 100, 4000]) {
    const records: Buffer[] = [];
    for (let pos = 0; pos < flight.length; pos += recordBytes) {
      records.push(record(22, flight.subarray(pos, pos + recordBytes)));
    }
    for (const cut of [1, 2, 7, 1448]) {
      const observer = observe(
        [
          [TO_SERVER, record(22, clientHello)],
          [TO_CLIENT, Buffer.concat(records)],
        ],
        cut,
      );
      assert.deepEqual(observer.facts, tls12Facts, `${recordBytes} bytes a record, ${cut} a segment`);
    }
  }
});

test('a resumed session shows no certificate: ChangeCipherSpec ends the readable part', () => {
  const observer = observe([[TO_CLIENT, Buffer.concat([record(22, serverHello([0xc0, 0x2f])), record(20, bytes(1))])]]);
  assert.equal(observer.facts.version, 'TLSv1.2');
  assert.equal(observer.facts.subject, undefined);
  assert.ok(observer.done);
});

test('unknown suites and versions are given by number', () => {
  const observer = observe([[TO_CLIENT, record(22, serverHello([0xab, 0xcd], extension(43, bytes(0x7f, 0x1c))))]]);
  assert.equal(observer.facts.cipher, '0xabcd');
  assert.equal(observer.facts.version, '0x7f1c');
});

test('certificates: version 1, no common name, a BMPString, and lies', () => {
  const bmp = Buffer.from('dö', 'utf16le').swap16();
  const cases: readonly [Buffer, string | undefined][] = [
    [certificate(subject, []), 'CN=db.example.com'],
    [certificate(name(['55040a', 0x13, Buffer.from('Acme')])), undefined],
    [certificate(name(['550403', 0x1e, bmp])), 'CN=dö'],
    [certificate(der(0x30, Buffer.from('31ff', 'hex'))), undefined],
    [handshake(11, sized(3, bytes(0xff, 0xff, 0xff, 0x30))), undefined],
  ];
  for (const [message, expected] of cases) {
    const observer = observe([[TO_CLIENT, record(22, Buffer.concat([serverHello([0xc0, 0x2f]), message]))]]);
    assert.equal(observer.facts.subject, expected);
    assert.ok(observer.done);
  }
});

test('what is no TLS, or too long, ends the observation', () => {
  assert.ok(observe([[TO_CLIENT, Buffer.from('HTTP/1.1 400')]]).done);
  assert.ok(observe([[TO_CLIENT, record(22, bytes(2, 0xff, 0xff, 0xff))]]).done);
  assert.ok(observe([[TO_CLIENT, record(21, bytes(2, 40))]]).done);
  assert.ok(observe([[TO_CLIENT, bytes(22, 3, 3, 0xff, 0xff)]]).done);
});

test('names with control characters are not believed', () => {
  const hello = Buffer.from(clientHello);
  hello[hello.indexOf('db.example.com')] = 0x0a;
  assert.equal(observe([[TO_SERVER, record(22, hello)]]).facts.sni, undefined);
});

test('mutated handshakes: no throw, and segmentation decides nothing', () => {
  const whole = Buffer.concat([record(22, flight)]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }),
      fc.integer({ min: 1, max: 200 }),
      (changes, cut) => {
        const harmed = Buffer.from(whole);
        for (const [at, value] of changes) harmed[at % harmed.length] = value;
        const expected = observe([[TO_CLIENT, harmed]]);
        const actual = observe([[TO_CLIENT, harmed]], cut);
        assert.deepEqual([actual.facts, actual.done], [expected.facts, expected.done]);
      },
    ),
    { seed: 42, numRuns: 500 },
  );
});
