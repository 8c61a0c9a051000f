// Says a number or a word at once: with a voice of the page's language, or with a click where there is none.
import { language } from "./words.js";

const CLICK = { counted: 880, partial: 330, cue: 220 }; // Hz; no source
let sound = null;

function voice() {
  return window.speechSynthesis?.getVoices().find((one) => one.lang.startsWith(language)) ?? null;
}

// kind: of the click. `said` tells whoever measures how fast it was.
export function say(text, kind) {
  const found = voice();
  if (found) {
    const words = new SpeechSynthesisUtterance(text);
    Object.assign(words, { voice: found, lang: found.lang, rate: 1.1 });
    speechSynthesis.cancel(); // what is said belongs to now
    speechSynthesis.speak(words);
  } else {
    click(CLICK[kind]);
  }
  dispatchEvent(new CustomEvent("said", { detail: { text, kind, spoken: Boolean(found) } }));
}

function click(pitch) {
  sound ??= new AudioContext();
  if (sound.state === "suspended") sound.resume(); // allowed once somebody has touched the page
  const tone = sound.createOscillator(), loud = sound.createGain();
  tone.frequency.value = pitch;
  loud.gain.setValueAtTime(0.4, sound.currentTime);
  loud.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.12);
  tone.connect(loud).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.13);
}
