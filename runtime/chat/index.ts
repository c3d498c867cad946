export { type ChatOptions, chat } from './chat.js';
