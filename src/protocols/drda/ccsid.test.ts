/** CCSIDs: statements, values and names in each encoding that DB2's platforms speak, down to the bytes of their tables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCcsid } from './ccsid.ts';
import * as cp from './codepoints.ts';
import * as t from './testing.ts';
import * as types from './types.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** `a [b] {c} |^!~$#@'é€` where the code page has all of it; typed in from the tables of each. */
const PAGES: readonly (readonly [ccsid: number, about: string, bytes: string, text: string])[] = [
  [37, 'EBCDIC of the Americas', '8140ba82bb40c083d0404fb05aa15b7b7c7d51', "a [b] {c} |^!~$#@'é"],
  [500, 'EBCDIC international', '81404a825a40c083d040bb5f4fa15b7b7c7d51', "a [b] {c} |^!~$#@'é"],
  [1047, 'EBCDIC of Unix System Services', '8140ad82bd40c083d0404f5f5aa15b7b7c7d51', "a [b] {c} |^!~$#@'é"],
  [1140, 'EBCDIC 037 with the euro sign', '819fba', 'a€['],
  [1148, 'EBCDIC 500 with the euro sign', '819f4a', 'a€['],
  [1208, 'UTF-8', '61205b625d20c3a9e282ac', 'a [b] é€'],
  [1200, 'UTF-16, high byte first', '0061005b00e920acd83dde00', 'a[é€😀'],
  [819, 'ISO 8859-1', '615be9', 'a[é'],
  [1252, 'Windows Latin-1', '6180e9', 'a€é'],
];

for (const [ccsid, about, bytes, text] of PAGES) {
  const name = String(ccsid).padStart(3, '0');
  test(`CCSID ${name} (${about}): every character by its table`, () => {
    const content = hex(bytes);
    assert.equal(decodeCcsid(content, 0, content.length, ccsid), text);
  });

  test(`CCSID ${name}: statement text and bind values by TYPDEFOVR`, () => {
    const content = hex(bytes);
    const value = Buffer.concat([t.u16(content.length), content]);
    const events = t.run(
      [
        t.toServer(
          t.chain(
            [t.object(cp.PRPSQLSTT, t.section(2)), t.sqlstt(content)],
            t.executeSection(2, t.sqldta([[types.VARIABLE_MIXED, 100]], value)),
          ),
        ),
        t.toClient(t.replies(1, [t.sqlcardNull], [t.sqlcardNull])),
      ],
      { ccsid },
    );
    const [event] = t.statements(events);
    assert.deepEqual([event?.text, event?.parameters, event?.marks], [text, [text], 0]);
  });
}

test('CCSIDDBC: graphic characters are UTF-16 (CCSID 1200) unless told otherwise', () => {
  const content = hex('004100e9');
  const row = [content, t.u16(2), content];
  const list: t.ColumnType[] = [
    [types.FIXED_DBCS, 2],
    [types.VARIABLE_DBCS, 10],
  ];
  assert.deepEqual(t.bound(list, row), ['Aé', 'Aé']);
});

test('CCSIDMGR: names are in the encoding that EXCSATRD agreed on, from the next chain on', () => {
  for (const [ccsid, bracketed] of [
    [37, 'ba81bb'],
    [1047, 'ad81bd'],
    [1208, '5b615d'],
  ] as const) {
    const managers = t.object(cp.MGRLVLLS, t.u16(cp.CCSIDMGR), t.u16(ccsid));
    const secmec = t.object(cp.SECMEC, t.u16(3));
    const events = t.playTurns([
      t.toServer(t.chain([t.object(cp.EXCSAT, managers)], [t.object(cp.ACCSEC, secmec)])),
      t.toClient(t.replies(1, [t.object(cp.EXCSATRD, managers)], [t.object(cp.ACCSECRD, secmec)])),
      t.toServer(t.chain([t.object(cp.SECCHK, secmec, t.object(cp.USRID, hex(bracketed)))])),
      t.toClient(t.replies(1, [t.message(cp.SECCHKRM, 8, t.object(cp.SECCHKCD, t.u8(0x0f)))])),
    ]);
    assert.equal(events.find((event) => event.kind === 'login')?.identity.user, '[a]');
  }
});
