// The models that a page can talk to. Each is one file here, with the facts of its driver in sensor/devices/.
import reference from "./reference.js";
import witmotion, { short } from "./witmotion.js";
import polar from "./polar_verity_sense.js";
import movella from "./movella_dot.js";

export const MODELS = [reference, witmotion, short, polar, movella];
export const modelNamed = (name) => MODELS.find((model) => model.name === name);

// What `requestDevice` takes: of one model, or of all of them.
export function wanted(name) {
  const models = name ? [modelNamed(name)] : MODELS;
  const optionalServices = [...new Set([...MODELS.flatMap((model) => model.services), "battery_service"])];
  return { filters: models.flatMap((model) => model.filters), optionalServices };
}
