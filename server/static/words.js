// What scripts say, in the language of the page: `_` and `ngettext` as in Python (server/language.py).
const catalogue = JSON.parse(document.getElementById("words").textContent);
export const language = document.documentElement.lang;
let forms = null; // made when one is asked for: it takes long, and few pages need it

function filled(text, values) {
  return text.replace(/%(?:\((\w+)\)s|%)/g, (all, name) => (name ? values[name] : "%"));
}

export function _(text, values = {}) {
  return filled(catalogue[text]?.[0] || text, values);
}

export function ngettext(one, many, n, values = {}) {
  forms ??= new Intl.PluralRules(language);
  const form = forms.select(n) === "one" ? 0 : 1; // of the languages there are, English and German
  return filled(catalogue[one]?.[form] || (form ? many : one), { num: n, ...values });
}

const formats = []; // by digits: making one takes longer than all that a live page does with it
export function number(value, digits = 0) {
  formats[digits] ??= new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" });
  return formats[digits].format(value).replace("-", "−");
}
