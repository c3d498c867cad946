// Sets theme and language before the page is painted, so that a dark room never sees a white flash.
// A script of its own, because modules run only after the page was parsed.
import { chosenLanguage, showLanguage } from '../texts/language.js';
import { applyTheme } from './theme.js';

applyTheme();
showLanguage(chosenLanguage());
