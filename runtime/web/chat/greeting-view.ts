// What an empty conversation shows: a greeting by the hour, and a few ways to begin.
// The suggestions are what a small model at home is good at.
import { el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';

export function greetingView(onSuggestion: (text: string) => void): HTMLElement {
  const item = (text: string) => {
    const click = () => onSuggestion(text);
    return el('li', {}, el('button', { class: 'suggestion', type: 'button', click }, text));
  };
  return el(
    'div',
    { class: 'greeting' },
    el('img', { class: 'greeting-flame', src: 'favicon.svg', alt: '', width: 56, height: 56 }),
    el('h2', {}, greetingAt(new Date().getHours())),
    el('p', {}, texts.greeting.invitation),
    el('ul', { class: 'suggestions' }, ...texts.greeting.suggestions.map(item)),
  );
}

function greetingAt(hour: number): string {
  if (hour < 5 || hour >= 18) return texts.greeting.evening;
  return hour < 12 ? texts.greeting.morning : texts.greeting.afternoon;
}
