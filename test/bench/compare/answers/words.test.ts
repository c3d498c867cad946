import t from 'tap';
import {
  markChanges,
  repetitionRate,
  wordDifference,
  words,
} from '../../../../bench/compare/answers/words.js';

t.test('words are of any script, without case and punctuation', (t) => {
  t.same(words('Load fast, use LITTLE memory!'), ['load', 'fast', 'use', 'little', 'memory']);
  t.same(words('1. User-friendly'), ['1', 'user', 'friendly']);
  t.same(words(' \n…— '), []);
  // Without spaces, by dictionary: "I am a cat".
  t.same(words('吾輩は猫である。').slice(0, 3), ['吾輩', 'は', '猫']);
  t.end();
});

t.test('repetition is the share of four-word runs that were there before', (t) => {
  t.equal(repetitionRate([]), 0);
  t.equal(repetitionRate(['a', 'b', 'c']), 0, 'no run of four');
  t.equal(repetitionRate('a b c d e f'.split(' ')), 0);
  // abcd bcda cdab dabc abcd: five runs, four of them different.
  t.equal(repetitionRate('a b c d a b c d'.split(' ')), 1 - 4 / 5);
  // 97 times the same run.
  t.equal(repetitionRate(Array.from({ length: 100 }, () => 'so')), 1 - 1 / 97);
  t.equal(repetitionRate(['a', 'a', 'a'], 1), 1 - 1 / 3, 'another n');
  t.end();
});

t.test('difference is the edit distance in words, of the longer answer', (t) => {
  const difference = (a: string, b: string) => wordDifference(words(a), words(b));
  t.equal(difference('', ''), 0);
  t.equal(difference('the machine is black', 'The machine is black.'), 0);
  t.equal(difference('the machine is black', 'the machine is white'), 1 / 4, 'replaced');
  t.equal(difference('the machine is black', 'the machine is very black'), 1 / 5, 'inserted');
  t.equal(difference('one two', 'three four'), 1);
  t.equal(difference('one', ''), 1);
  // kitten and sitting: three letters of seven, as in every textbook.
  t.equal(wordDifference([...'kitten'], [...'sitting']), 3 / 7);
  t.end();
});

t.test('marked are the words that the other answer lacks at that place, and no more', (t) => {
  const marked = (text: string, other: string) =>
    markChanges(text, other)
      .map(({ text, isChanged }) => (isChanged ? `[${text}]` : text))
      .join('');
  t.equal(marked('It is black.', 'It is black.'), 'It is black.');
  t.equal(marked('It is dark red.', 'It is black.'), 'It is [dark] [red].');
  t.equal(marked('A b a b', 'b a'), '[A] b a [b]');
  t.equal(marked('<b>x</b>', ''), '<[b]>[x]</[b]>');
  const long = 'word '.repeat(3000);
  t.equal(marked(long, long), long, 'too long to mark');
  t.end();
});
