// What was measured of a real model in one type: a line of bench/results/real/, each with the commands that
// make its file. Losses are kept chunk by chunk, so that any two rows can be told apart as pairs later.
import { comparePaired, type Paired } from '../../../llama/quality/paired.js';
import { jsonObject } from '../../../model/checkpoint/bounded-json.js';
import type { FileType } from '../../../model/types/mixtures.js';
import { median } from '../../median.js';
import type { Maker } from './sources.js';

const ROW_VERSION = 1;
const VERSION_KEY = 'hearth_real';

export type RealRow = {
  /** The dense model's name. */
  model: string;
  source: string;
  maker: Maker;
  type: FileType;
  imatrix: boolean;
  /** In order; the last one makes the file. */
  commands: string[];
  size_bytes: number;
  n_params: number;
  /** On the CPU, of the process with a full context. */
  predicted_bytes: number;
  predicted_kv_bytes: number;
  predicted_n_ctx: number;
  /** Of the process that was timed. */
  peak_rss_bytes: number | null;
  text: string;
  text_sha256: string;
  n_ctx: number;
  /** That were asked for; the text may have fewer. */
  most_chunks: number;
  n_chunks: number;
  n_tokens: number;
  perplexity: number;
  perplexity_error: number;
  /** From the dense model as F16, in nats a token. */
  kl: number;
  kl_error: number;
  same_top: number;
  nll_by_chunk: number[];
  kl_by_chunk: number[];
  rounds: SpeedRound[];
  /** Why no speed is told; null where it is, or was not tried. */
  speed_refused: string | null;
  backend: string;
  cpu_info: string;
  cpu_cores: number;
  hearth_version: string;
  measured_at: string;
};

/** One turn of the model among all the others. */
export type SpeedRound = {
  /** Tokens a second. */
  pp512_ts: number;
  tg128_ts: number;
  /** Of all cores, what other programs had meanwhile; null where it is not known. */
  others_share: number | null;
};

export function realLine(row: RealRow): string {
  return JSON.stringify({ [VERSION_KEY]: ROW_VERSION, ...row });
}

/** Throws for a line that is none of this version, by its place. */
export function readRealRows(text: string, file: string): RealRow[] {
  const lines = text.split('\n').map((line, i) => ({ line, where: `${file}:${i + 1}` }));
  return lines.filter(({ line }) => line.trim() !== '').map(readLine);
}

function readLine({ line, where }: { line: string; where: string }): RealRow {
  const { [VERSION_KEY]: version, ...row } = jsonObject(line) ?? {};
  if (version === ROW_VERSION) return row as RealRow;
  throw new Error(
    `${where} has no "${VERSION_KEY}": ${ROW_VERSION}; expected a line that npm run bench:real wrote`,
  );
}

/** `prune-20/Q3_K_M+imatrix` */
export function rowName({ source, type, imatrix }: RealRow): string {
  return `${source}/${type}${imatrix ? '+imatrix' : ''}`;
}

/** Which is nearer to the dense model, chunk by chunk of the same text. Null of different texts. */
export function compareRows(a: RealRow, b: RealRow): Paired | null {
  if (a.text_sha256 !== b.text_sha256 || a.n_ctx !== b.n_ctx) return null;
  return comparePaired(a.kl_by_chunk, b.kl_by_chunk);
}

/** Medians over the rounds; null where none was taken. */
export function speedOf({ rounds }: RealRow): { pp: number; tg: number } | null {
  if (rounds.length === 0) return null;
  return {
    pp: median(rounds.map(({ pp512_ts }) => pp512_ts)),
    tg: median(rounds.map(({ tg128_ts }) => tg128_ts)),
  };
}
