// The questions that every model is asked, of a file with one a line.
// JSON Lines may say what the right answer is, for devices that must know their facts.
import { jsonObject } from '../../../model/checkpoint/bounded-json.js';
import { readTextFile } from '../../../terminal/text-file.js';

export type ComparedQuestion = {
  text: string;
  /** The right answer, to be given word for word; null where there is none. */
  expected: string | null;
};

const MAX_FILE_BYTES = 4 * 2 ** 20;
const MAX_QUESTIONS = 10_000;
const MAX_CHARS = 20_000;

/**
 * A line is a question, or in a file whose first line starts with `{`, an object with `q` (or
 * `question`) and perhaps `a` (or `answer`). Throws what is wrong, with the line.
 */
export async function readQuestions(file: string): Promise<ComparedQuestion[]> {
  const text = await readTextFile(file, MAX_FILE_BYTES);
  const lines = text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), where: `${file}:${index + 1}` }))
    .filter(({ line }) => line !== '');
  if (lines.length === 0) throw new Error(`${file} has no question; write one a line`);
  if (lines.length > MAX_QUESTIONS)
    throw new Error(`${file} has ${lines.length} questions, of at most ${MAX_QUESTIONS}`);
  const isJson = lines[0]?.line.startsWith('{');
  return lines.map(({ line, where }) =>
    checkLength(isJson ? readJson(line, where) : { text: line, expected: null }, where),
  );
}

function readJson(line: string, where: string): ComparedQuestion {
  const object = jsonObject(line);
  if (!object)
    throw new Error(
      `${where} is not a JSON object; expected {"q": "…"}, as in the file's first line`,
    );
  const question = object['q'] ?? object['question'];
  const expected = object['a'] ?? object['answer'] ?? null;
  if (typeof question !== 'string' || question.trim() === '')
    throw new Error(`${where} has no question; expected {"q": "…"} or {"question": "…"}`);
  if (expected !== null && typeof expected !== 'string')
    throw new Error(`${where} has an answer that is not text: ${JSON.stringify(expected)}`);
  return { text: question, expected };
}

function checkLength(question: ComparedQuestion, where: string): ComparedQuestion {
  if (question.text.length <= MAX_CHARS) return question;
  throw new Error(
    `${where} is ${question.text.length} characters long, of at most ${MAX_CHARS}; write one question a line`,
  );
}
