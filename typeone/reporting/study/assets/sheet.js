"use strict";
(() => {
  const told = JSON.parse(document.getElementById("told").textContent);
  const at = (id) => document.getElementById(id);
  const digits = "0123456789".split("").map((d) => ({ label: d, key: d }));
  const unclear = { label: "unclear", key: "u", wide: true };
  const QUESTIONS = {
    digit: { text: "Which digit is this?", short: "digits", choices: [...digits, unclear] },
    face: {
      text: "Is this a woman’s face, a man’s, or no face?",
      short: "faces",
      choices: [
        { label: "female", key: "f" },
        { label: "male", key: "m" },
        { label: "no face", key: "n" },
        unclear,
      ],
    },
    person: {
      text: "Is the right one the same person as the left one?",
      short: "pairs of faces",
      choices: [
        { label: "same", key: "s" },
        { label: "different", key: "d" },
        unclear,
      ],
    },
  };
  const asked = Object.keys(QUESTIONS).filter((q) => q in told.repeats);
  const length = told.items.length + asked.reduce((sum, q) => sum + told.repeats[q], 0);
  const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,59}$/u;

  // Numbers in [0, 1) that a text decides: its hash (FNV-1a) starts Marsaglia's xorshift.
  function randomFrom(text) {
    let state = 2166136261;
    for (const byte of new TextEncoder().encode(text)) state = Math.imul(state ^ byte, 16777619);
    const next = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 4294967296;
    };
    state = state || 1;
    for (let i = 0; i < 20; i++) next();
    return next;
  }

  function shuffled(list, random) {
    const result = [...list];
    for (let i = result.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }

  // One person's order: question by question, the first items of each come back in its second half.
  function orderFor(name) {
    const random = randomFrom(`${told.seed}/${name}`);
    return asked.flatMap((question) => {
      const items = shuffled(told.items.filter((item) => item.question === question), random);
      const half = Math.ceil(items.length / 2);
      const first = items.map((item) => ({ item, showing: 1 }));
      const again = first.slice(0, told.repeats[question]).map(({ item }) => ({ item, showing: 2 }));
      return [...first.slice(0, half), ...shuffled([...first.slice(half), ...again], random)];
    });
  }

  // file:// and private windows may refuse to keep anything
  const kept = {
    key: (name) => `study/${told.sheet}/${name}`,
    read(name) {
      try {
        const answers = JSON.parse(localStorage.getItem(this.key(name)));
        return Array.isArray(answers) ? answers : [];
      } catch {
        return [];
      }
    },
    write(name, answers) {
      try {
        localStorage.setItem(this.key(name), JSON.stringify(answers));
        return true;
      } catch {
        return false;
      }
    },
  };

  let name = "";
  let order = [];
  let answers = []; // labels, in the order of `order`
  let shown = 0;
  let unsaved = false;
  let autosaves = true;

  function show(section) {
    for (const id of ["start", "ask", "end"]) at(id).hidden = id !== section;
  }

  function ask() {
    const { item } = order[shown];
    const question = QUESTIONS[item.question];
    show("ask");
    at("who").textContent = name;
    at("count").textContent = `${shown + 1} of ${order.length}`;
    at("progress").value = answers.length / order.length;
    at("question").textContent = question.text;
    at("pictures").replaceChildren(
      ...item.pictures.map((address, i) => {
        const figure = document.createElement("figure");
        const image = document.createElement("img");
        image.src = address;
        image.alt = item.pictures.length > 1 ? ["left face", "right face"][i] : "what you are asked about";
        image.classList.toggle("coarse", item.question === "digit");
        figure.append(image);
        return figure;
      }),
    );
    at("choices").className = question.choices.length > 5 ? "many" : "few";
    at("choices").replaceChildren(
      ...question.choices.map(({ label, key, wide }) => {
        const button = document.createElement("button");
        button.dataset.label = label;
        button.setAttribute("aria-pressed", String(answers[shown] === label));
        button.setAttribute("aria-keyshortcuts", key);
        if (wide) button.classList.add("wide");
        button.append(label);
        if (key !== label) {
          const hint = document.createElement("kbd");
          hint.textContent = key;
          button.append(" ", hint);
        }
        button.addEventListener("click", () => answer(label));
        return button;
      }),
    );
    at("back").disabled = shown === 0;
    at("question").focus({ preventScroll: true });
  }

  function answer(label) {
    answers[shown] = label;
    unsaved = true;
    autosaves = kept.write(name, answers);
    if (!autosaves) notice("This browser keeps nothing for this page: save your answers before you close it.");
    shown += 1;
    if (shown < order.length) ask();
    else finish();
  }

  function back() {
    if (at("ask").hidden || shown === 0) return;
    shown -= 1;
    ask();
  }

  function finish() {
    const done = answers.length === order.length;
    show("end");
    at("ended").textContent = done ? "Thank you, that was all." : `${answers.length} of ${order.length} answered.`;
    at("resume").textContent = done ? "Look at the last one again" : "Go on";
    at("saved").textContent = "";
    at("text").value = asText();
    at("ended").focus({ preventScroll: true });
  }

  function asText() {
    const rows = answers.map((label, i) => {
      const { item, showing } = order[i];
      return [item.id, label, name, item.digest, showing].join(",");
    });
    return ["image,label,annotator,digest,showing", ...rows].join("\n") + "\n";
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([asText()], { type: "text/csv" }));
    link.download = `answers-${name.replaceAll(" ", "_")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    unsaved = false;
    at("saved").textContent = `Saved as ${link.download}, where this browser puts what it saves.`;
  }

  function notice(text) {
    at("notice").textContent = text;
    at("notice").hidden = false;
  }

  at("enter").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = at("name").value.trim().normalize("NFC");
    if (!NAME.test(given)) {
      at("refused").textContent = "Please take letters, digits, blanks and . _ - alone, a letter or digit first.";
      return;
    }
    at("refused").textContent = "";
    name = given;
    order = orderFor(name);
    answers = kept.read(name).slice(0, order.length);
    shown = answers.length;
    if (shown) notice(`Welcome back, ${name}: ${shown} answers were kept.`);
    else at("notice").hidden = true;
    if (shown < order.length) ask();
    else finish();
  });
  at("back").addEventListener("click", back);
  at("pause").addEventListener("click", finish);
  at("resume").addEventListener("click", () => {
    shown = Math.min(answers.length, order.length - 1);
    ask();
  });
  at("save").addEventListener("click", save);

  document.addEventListener("keydown", (event) => {
    if (at("ask").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Backspace" || event.key === "ArrowLeft") {
      event.preventDefault();
      back();
      return;
    }
    const { choices } = QUESTIONS[order[shown].item.question];
    const chosen = choices.find(({ key }) => key === event.key.toLowerCase());
    if (chosen) {
      event.preventDefault();
      answer(chosen.label);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved && !autosaves) event.preventDefault();
  });

  const words = asked.map((question) => QUESTIONS[question].short);
  at("asked").textContent = words.join(", ");
  at("minutes").textContent = `${Math.max(1, Math.round((length * 2.5) / 60))} minutes, ${length} pictures`;
  at("name").focus();
})();
