import t from 'tap';
import { escapeHtml, html } from '../../../../bench/compare/report/html.js';

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

t.test('what would steer writing or be no text is shown as its code', (t) => {
  t.equal(escapeHtml('a\u202eb\u0000c\ud800d\ne\tf'), 'a\\u202eb\\u0000c\\ud800d\ne\tf');
  t.equal(escapeHtml('😀 é'), '😀 é');
  t.end();
});
