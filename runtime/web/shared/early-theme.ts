// Sets the theme before the page is painted, so that a dark room never sees a white flash.
// A script of its own, because modules run only after the page was parsed.
import { applyTheme } from './theme.js';

applyTheme();
