// What is worth choosing from: by bytes and by what pairs of chunks tell, and nothing is left out by chance.
import t from 'tap';
import { standingsOf } from '../../model/frontier.js';

type Model = { name: string; bytes: number; loss: number };

/** Beaten only where the difference is larger than what a text could tell. */
const standings = (models: Model[], resolution = 0.1) =>
  standingsOf(models, {
    bytesOf: ({ bytes }) => bytes,
    lossOf: ({ loss }) => loss,
    isBetter: (a, b) => b.loss - a.loss > resolution,
  }).map(({ model, beatenBy }) => [model.name, beatenBy?.name ?? null]);

t.test('beaten is what is larger, or as large, and worse; by the best of those', (t) => {
  const models = [
    { name: 'large and good', bytes: 90, loss: 1 },
    { name: 'large and bad', bytes: 88, loss: 5 },
    { name: 'small', bytes: 50, loss: 3 },
    { name: 'middle', bytes: 70, loss: 2 },
    { name: 'as large and worse', bytes: 50, loss: 4 },
  ];
  t.same(standings(models), [
    ['small', null],
    ['as large and worse', 'small'],
    ['middle', null],
    ['large and bad', 'middle'],
    ['large and good', null],
  ]);
  t.end();
});

t.test('what the text cannot tell apart stays', (t) => {
  const models = [
    { name: 'a', bytes: 50, loss: 3 },
    { name: 'b', bytes: 60, loss: 3.05 },
  ];
  t.same(standings(models), [
    ['a', null],
    ['b', null],
  ]);
  t.same(standings(models, 0.01)[1], ['b', 'a']);
  t.same(standings([]), []);
  t.end();
});
