// The page of a session that a computer or another tab feeds.
import { exercise } from "./exercise.js";

const { session, plan, titles, exercise: name, said, author } = document.getElementById("told").dataset;
exercise({ id: session, plan: JSON.parse(plan), titles: JSON.parse(titles), exercise: name || null, said, author: author || null });
