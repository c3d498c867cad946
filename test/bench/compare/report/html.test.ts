import t from 'tap';
import { html } from '../../../../bench/compare/report/html.js';

t.test('values are escaped in text and in attributes, markup is not escaped again', (t) => {
  const answer = `</p><script>alert("x")</script>' & more`;
  const escaped = '&lt;/p&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39; &amp; more';
  t.equal(html`<p title="${answer}">${answer}</p>`.markup, `<p title="${escaped}">${escaped}</p>`);
  t.equal(
    html`<ul>${[1, 2].map((n) => html`<li>${n}</li>`)}</ul>`.markup,
    '<ul><li>1</li><li>2</li></ul>',
  );
  t.equal(html`<p>${null}</p>`.markup, '<p></p>');
  t.end();
});
