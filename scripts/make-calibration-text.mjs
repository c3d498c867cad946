// Makes pruner/text/general.txt, the text that hearth calibrates with, of four sources in the public domain:
//   apt-get download jargon-text sqlite3-doc r-cran-janeaustenr; dpkg -x each into FOLDER
//   node scripts/make-calibration-text.mjs FOLDER
// Pieces of the sources take turns, so that any beginning of the text has a share of each.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';

const folder = process.argv[2];
if (!folder) throw new Error('name the folder into which the packages were unpacked');
const LICENCE =
  "This text is in the public domain. It was put together for hearth of Jane Austen's novels, the documentation of SQLite, the Jargon File 4.4.7 and the source of SQLite, none of which is under copyright any more.";

/** R's CHARSXP of ASCII. */
const STRING = Buffer.from([0, 4, 0, 9]);

const share = path.join(folder, 'usr/share/doc');

/** Bytes of each kind; a piece of one is followed by a piece of the next. */
const SOURCES = [
  { paragraphs: novels(), bytes: 120_000 },
  { paragraphs: manual(), bytes: 150_000 },
  { paragraphs: lexicon(), bytes: 90_000 },
  { paragraphs: code(), bytes: 50_000 },
];
const PIECES = 40;

const pieces = SOURCES.map(({ paragraphs, bytes }) => cut(paragraphs, bytes / PIECES));
const text = Array.from({ length: PIECES }, (_, i) => pieces.map((own) => own[i]))
  .flat()
  .join('\n\n');
writeFileSync(new URL('../pruner/text/general.txt', import.meta.url), `${LICENCE}\n\n${text}\n`);

/** Pieces of about so many bytes, from places spread over all paragraphs. */
function cut(paragraphs, pieceBytes) {
  return Array.from({ length: PIECES }, (_, piece) => {
    const taken = [];
    let at = Math.floor((piece * paragraphs.length) / PIECES);
    for (let bytes = 0; bytes < pieceBytes && at < paragraphs.length; at++) {
      taken.push(paragraphs[at]);
      bytes += paragraphs[at].length + 2;
    }
    return taken.join('\n\n');
  });
}

/** Jane Austen's, as R keeps them: compressed vectors of lines, each with its length before it. */
function novels() {
  const file = readFileSync(path.join(folder, 'usr/lib/R/site-library/janeaustenr/data/Rdata.rdb'));
  const lines = [];
  for (let at = 0; at < file.length; ) {
    const { buffer, engine } = inflateSync(file.subarray(at + 4), { info: true });
    at += 4 + engine.bytesWritten;
    lines.push(...strings(buffer), '');
  }
  return paragraphsOf(lines).filter((paragraph) => !/^(CHAPTER|VOLUME)/i.test(paragraph));
}

function strings(data) {
  const found = [];
  for (let at = data.indexOf(STRING); at >= 0; at = data.indexOf(STRING, at)) {
    const length = data.readUInt32BE(at + 4);
    found.push(data.toString('latin1', at + 8, at + 8 + length));
    at += 8 + length;
  }
  return found;
}

/** SQLite's documentation. */
function manual() {
  return [
    ...['whentouse', 'arch', 'atomiccommit', 'queryplanner', 'appfileformat', 'json1', 'testing'],
    ...['datatype3', 'lang_select', 'howtocorrupt', 'isolation', 'wal', 'fasterthanfs', 'opcode'],
    ...[
      'lang_createtable',
      'fts5',
      'partialindex',
      'withoutrowid',
      'faq',
      'cli',
      'pragma',
      'c3ref/exec',
    ],
  ].flatMap((page) =>
    paragraphsOfPage(readFileSync(path.join(share, `sqlite3/${page}.html`), 'utf8')),
  );
}

function paragraphsOfPage(html) {
  const body = html.slice(html.search(/<h[12][ >]/)).replace(/<script[\s\S]*?<\/script>/g, '');
  return body
    .split(/<(?:p|li|dt|dd|h[1-4]|blockquote|td|tr)\b[^>]*>/)
    .map((part) => {
      const isCode = /<pre>/.test(part);
      const plain = entities(part.replace(/<[^>]*>/g, '')).trim();
      return isCode ? plain : plain.replace(/\s+/g, ' ');
    })
    .filter((paragraph) => paragraph.length > 60);
}

function entities(text) {
  const names = { lt: '<', gt: '>', amp: '&', quot: '"', nbsp: ' ', mdash: '—', rarr: '→' };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code, name) =>
    code ? String.fromCodePoint(Number(code)) : (names[name] ?? whole),
  );
}

/** The Jargon File 4.4.7, without its list of entries. */
function lexicon() {
  const text = gunzipSync(readFileSync(path.join(share, 'jargon-text/jargon.txt.gz'))).toString();
  return paragraphsOf(text.split('\n').map((line) => line.trim())).filter(
    (paragraph) => paragraph.length > 60,
  );
}

/** SQLite's source, function by function. */
function code() {
  const url = new URL('../node_modules/better-sqlite3/deps/sqlite3/sqlite3.c', import.meta.url);
  return readFileSync(url, 'utf8')
    .split(/\n(?=\/\*\n\*\* )/)
    .filter((part) => /\n}\n/.test(part) && part.length < 4_000);
}

function paragraphsOf(lines) {
  return lines
    .join('\n')
    .split(/\n\n+/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph.length > 20);
}
