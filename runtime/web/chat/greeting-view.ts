// What an empty conversation shows: a greeting by the hour, and a few ways to begin.
// The suggestions are what a small model at home is good at.
import { el } from '../shared/dom.js';

const SUGGESTIONS = [
  'Explain how a heat pump works, in three sentences',
  'Plan five simple dinners and a shopping list',
  'Write a friendly note to a neighbour about a parcel',
  'What is the difference between weather and climate?',
];

export function greetingView(onSuggestion: (text: string) => void): HTMLElement {
  const item = (text: string) => {
    const click = () => onSuggestion(text);
    return el('li', {}, el('button', { class: 'suggestion', type: 'button', click }, text));
  };
  return el(
    'div',
    { class: 'greeting' },
    el('img', { class: 'greeting-flame', src: 'favicon.svg', alt: '', width: 56, height: 56 }),
    el('h2', {}, `${greetingAt(new Date().getHours())}.`),
    el('p', {}, 'Ask anything. It stays in this house.'),
    el('ul', { class: 'suggestions' }, ...SUGGESTIONS.map(item)),
  );
}

function greetingAt(hour: number): string {
  if (hour < 5 || hour >= 18) return 'Good evening';
  return hour < 12 ? 'Good morning' : 'Good afternoon';
}
