/** Numbers of the DDM architecture (DRDA volume 3): commands, objects, reply messages and their parameters. */

export const DSS_REQUEST = 1;
export const DSS_REPLY = 2;
export const DSS_OBJECT = 3;
export const DSS_ENCRYPTED_OBJECT = 4;
export const DSS_REQUEST_NO_REPLY = 5;

/** Format bits of a data stream structure. */
export const CHAINED = 0x40;
export const SAME_CORRELATOR = 0x10;

// Commands
export const EXCSAT = 0x1041;
export const SYNCCTL = 0x1055;
export const SYNCRSY = 0x1069;
export const ACCSEC = 0x106d;
export const SECCHK = 0x106e;
export const SYNCLOG = 0x106f;
export const ACCRDB = 0x2001;
export const BGNBND = 0x2002;
export const INTRDBRQS = 0x2003;
export const BNDSQLSTT = 0x2004;
export const CLSQRY = 0x2005;
export const CNTQRY = 0x2006;
export const DRPPKG = 0x2007;
export const DSCSQLSTT = 0x2008;
export const ENDBND = 0x2009;
export const EXCSQLIMM = 0x200a;
export const EXCSQLSTT = 0x200b;
export const OPNQRY = 0x200c;
export const PRPSQLSTT = 0x200d;
export const RDBCMM = 0x200e;
export const RDBRLLBCK = 0x200f;
export const REBIND = 0x2010;
export const DSCRDBTBL = 0x2012;
export const EXCSQLSET = 0x2014;

// Objects
export const FDODSC = 0x0010;
export const TYPDEFNAM = 0x002f;
export const TYPDEFOVR = 0x0035;
export const EXTDTA = 0x146c;
export const FDODTA = 0x147a;
export const EXCSATRD = 0x1443;
export const ACCSECRD = 0x14ac;
export const SQLCARD = 0x2408;
export const SQLDARD = 0x2411;
export const SQLDTA = 0x2412;
export const SQLDTARD = 0x2413;
export const SQLSTT = 0x2414;
export const QRYDSC = 0x241a;
export const QRYDTA = 0x241b;
export const SQLATTR = 0x2450;
/** A whole encrypted object or the session data that Derby sends along. */
export const PBSD = 0xc000;

// Reply messages
export const SECCHKRM = 0x1219;
export const SYNCCRD = 0x1248;
export const ACCRDBRM = 0x2201;
export const OPNQRYRM = 0x2205;
export const ENDQRYRM = 0x220b;
export const ENDUOWRM = 0x220c;
export const ABNUOWRM = 0x220d;
export const RDBUPDRM = 0x2218;
export const RSLSETRM = 0x2219;

// Parameters
export const SVRCOD = 0x1149;
export const EXTNAM = 0x115e;
export const SRVCLSNM = 0x1147;
export const SRVNAM = 0x116d;
export const SYNCTYPE = 0x1187;
export const USRID = 0x11a0;
export const SECMEC = 0x11a2;
export const SECCHKCD = 0x11a4;
export const CCSIDSBC = 0x119c;
export const CCSIDDBC = 0x119d;
export const CCSIDMBC = 0x119e;
export const MGRLVLLS = 0x1404;
export const CCSIDMGR = 0x14cc;
export const UNICODEMGR = 0x1c08;
export const SQLAM = 0x2407;
export const XID = 0x1801;
export const XARETVAL = 0x1904;
export const PRDDTA = 0x2104;
export const RDBINTTKN = 0x2103;
export const PKGNAM = 0x210a;
export const PKGSN = 0x210c;
export const RDBNAM = 0x2110;
export const PKGNAMCT = 0x2112;
export const PKGNAMCSN = 0x2113;
export const UOWDISP = 0x2115;
export const PRCNAM = 0x2138;
export const PKGSNLST = 0x2139;
export const PRDID = 0x112e;
export const QRYATTSCR = 0x2149;

/** Replies that say by name what went wrong, where no SQLCARD says it better. */
export const REPLY_NAMES: ReadonlyMap<number, string> = new Map([
  [0x1210, 'MGRLVLRM'],
  [0x1218, 'MGRDEPRM'],
  [SECCHKRM, 'SECCHKRM'],
  [0x121c, 'CMDATHRM'],
  [0x1232, 'AGNPRMRM'],
  [0x1233, 'RSCLMTRM'],
  [0x1245, 'PRCCNVRM'],
  [SYNCCRD, 'SYNCCRD'],
  [0x124c, 'SYNTAXRM'],
  [0x1250, 'CMDNSPRM'],
  [0x1251, 'PRMNSPRM'],
  [0x1252, 'VALNSPRM'],
  [0x1253, 'OBJNSPRM'],
  [0x1254, 'CMDCHKRM'],
  [0x125f, 'TRGNSPRM'],
  [ACCRDBRM, 'ACCRDBRM'],
  [0x2202, 'QRYNOPRM'],
  [0x2203, 'RDBATHRM'],
  [0x22cb, 'RDBATHRM'],
  [0x2204, 'RDBNACRM'],
  [OPNQRYRM, 'OPNQRYRM'],
  [0x2206, 'PKGBNARM'],
  [0x2207, 'RDBACCRM'],
  [0x2208, 'BGNBNDRM'],
  [0x2209, 'PKGBPARM'],
  [0x220a, 'DSCINVRM'],
  [ENDQRYRM, 'ENDQRYRM'],
  [ENDUOWRM, 'ENDUOWRM'],
  [ABNUOWRM, 'ABNUOWRM'],
  [0x220e, 'DTAMCHRM'],
  [0x220f, 'QRYPOPRM'],
  [0x2211, 'RDBNFNRM'],
  [0x2212, 'OPNQFLRM'],
  [0x2213, 'SQLERRRM'],
  [RDBUPDRM, 'RDBUPDRM'],
  [RSLSETRM, 'RSLSETRM'],
  [0x221a, 'RDBAFLRM'],
  [0x221d, 'CMDVLTRM'],
  [0x2225, 'CMMRQSRM'],
]);

const COMMANDS: ReadonlySet<number> = new Set([
  EXCSAT,
  SYNCCTL,
  SYNCRSY,
  ACCSEC,
  SECCHK,
  SYNCLOG,
  ACCRDB,
  BGNBND,
  INTRDBRQS,
  BNDSQLSTT,
  CLSQRY,
  CNTQRY,
  DRPPKG,
  DSCSQLSTT,
  ENDBND,
  EXCSQLIMM,
  EXCSQLSTT,
  OPNQRY,
  PRPSQLSTT,
  RDBCMM,
  RDBRLLBCK,
  REBIND,
  DSCRDBTBL,
  EXCSQLSET,
]);

const REQUEST_OBJECTS: ReadonlySet<number> = new Set([
  TYPDEFNAM,
  TYPDEFOVR,
  EXTDTA,
  SQLDTA,
  SQLSTT,
  SQLATTR,
  0x2419, // SQLSTTVRB
  0x2440, // OUTOVR
  0x2405, // BNDOPT
  SYNCLOG,
]);

const REPLY_OBJECTS: ReadonlySet<number> = new Set([
  TYPDEFNAM,
  TYPDEFOVR,
  EXTDTA,
  EXCSATRD,
  ACCSECRD,
  SQLCARD,
  SQLDARD,
  SQLDTARD,
  QRYDSC,
  QRYDTA,
  0x240b, // SQLCINRD
  0x240e, // SQLRSLRD
  PBSD,
]);

/** Whether a data stream structure of `type` may begin with `codePoint`, sent by the client or by the server. */
export function isLegal(fromClient: boolean, type: number, codePoint: number): boolean {
  if (fromClient) {
    if (type === DSS_REQUEST || type === DSS_REQUEST_NO_REPLY) return COMMANDS.has(codePoint);
    return type === DSS_OBJECT && REQUEST_OBJECTS.has(codePoint);
  }
  if (type === DSS_OBJECT || type === DSS_REPLY) return REPLY_OBJECTS.has(codePoint) || REPLY_NAMES.has(codePoint);
  return false;
}
