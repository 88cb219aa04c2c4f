// A page to try the server: classifies as one types, writes with a stop button, and changes the adapters.

const $ = id => document.getElementById(id);
const typingPause = 150;    // ms without a key before a text is sent

/** An element with properties and children. */
function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

/** The answer to a request, or an error with the sentence of the server's problem details. */
async function call(path, options = {}) {
  const response = await fetch(path, options);
  if (response.ok)
    return response;
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail ?? problem.title ?? `The server answers ${response.status}.`);
}

const post = (path, body, signal) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json", ...keyHeader() }, body: JSON.stringify(body), signal });

const keyHeader = () => $("upload-key").value ? { "X-Api-Key": $("upload-key").value } : {};

function say(id, text, kind = "") {
  $(id).textContent = text;
  $(id).className = `message ${kind}`;
}

const reason = error => error instanceof TypeError ? "The server cannot be reached; is it running?" : error.message;

// Classification

const classifyExamples = [
  "Where is my parcel? It should have been here on Monday.",
  "I am furious. You charged me twice and nobody answers!",
  "The earbuds are wonderful! Thank you.",
];
let classification = new AbortController();
let pause;

function classifySoon() {
  clearTimeout(pause);
  classification.abort();     // of what was typed before nobody needs the answer
  pause = setTimeout(classify, typingPause);
}

async function classify() {
  classification = new AbortController();
  const { signal } = classification;
  const text = $("classify-text").value;
  const adapters = [...document.querySelectorAll("#classify-adapters :checked")].map(box => box.value);
  if (!text.trim() || adapters.length === 0) {
    $("classify-results").replaceChildren();
    $("classify-results").ariaBusy = "false";
    say("classify-message", adapters.length === 0 ? "Choose an adapter." : "");
    return;
  }
  $("classify-results").ariaBusy = "true";
  try {
    // The server puts these into one batch, each with its own adapter.
    const answers = await Promise.all(adapters.map(adapter => post("classify", { adapter, text }, signal).then(response => response.json())));
    if (signal.aborted)
      return;
    $("classify-results").replaceChildren(...answers.map(result));
    say("classify-message", "");
    $("classify-results").ariaBusy = "false";
  } catch (error) {
    if (signal.aborted)
      return;
    say("classify-message", reason(error), "bad");
    $("classify-results").ariaBusy = "false";
  }
}

function result({ adapter, results: [{ label, labels }] }) {
  return element("div", { className: "result" },
    element("h3", {}, adapter, element("span", {}, label)),
    element("ol", { ariaLabel: `Probabilities of ${adapter}` }, ...labels.map(bar)));
}

function bar({ label, probability }) {
  const filled = element("i");
  filled.style.width = `${100 * probability}%`;
  return element("li", {},
    element("span", { textContent: label, title: label }),
    element("span", { className: "track", ariaHidden: "true" }, filled),
    element("span", { textContent: percent(probability) }));
}

const percent = probability => probability > 0 && probability < 0.005 ? "< 1 %" : `${Math.round(100 * probability)} %`;

// Writing

let writing = new AbortController();

async function write(event) {
  event.preventDefault();
  writing = new AbortController();
  const { signal } = writing;
  const output = $("write-output");
  output.textContent = "";
  output.classList.add("writing");
  say("write-message", "");
  $("write-status").textContent = "Reading …";
  $("write-start").disabled = true;
  $("write-stop").disabled = false;
  const start = performance.now();
  let pieces = 0;
  try {
    const response = await post("generate", {
      text: $("write-text").value, adapter: $("write-adapter").value || null,
      maxTokens: Number($("write-tokens").value), temperature: Number($("write-temperature").value), seed: Math.floor(Math.random() * 1e9),
    }, signal);
    for await (const { type, data } of events(response.body)) {
      const speed = count => `${count} tokens, ${(1000 * count / (performance.now() - start)).toFixed(0)} per second`;
      if (type === "text") {
        output.append(data.text);
        $("write-status").textContent = speed(++pieces);
      } else if (type === "end") {
        $("write-status").textContent = speed(data.tokens) + (data.finishReason === "length" ? ", as many as allowed" : "");
      } else {
        throw new Error(data.error);
      }
    }
  } catch (error) {
    $("write-status").textContent = signal.aborted ? "Stopped" : "";
    if (!signal.aborted)
      say("write-message", reason(error), "bad");
  } finally {
    output.classList.remove("writing");
    $("write-start").disabled = false;
    $("write-stop").disabled = true;
  }
}

/** Server-sent events of a body, which EventSource only reads for GET. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done)
      return;
    buffer += value;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      const field = name => block.split("\n").filter(line => line.startsWith(name + ":")).map(line => line.slice(name.length + 1).trimStart()).join("\n");
      yield { type: field("event"), data: JSON.parse(field("data")) };
    }
  }
}

const chatExample = "Why is the sky blue? Answer in one sentence.";
const writeExamples = { trails: "name: Quarry Round | length: 5 km | difficulty: moderate | start: church | view: rolling hills | dogs: no" };

function showWriteExample() {
  const adapter = $("write-adapter").value;
  $("write-label").textContent = adapter ? "What the adapter writes on" : "What you say";
  const examples = [chatExample, ...Object.values(writeExamples), ""];
  if (examples.includes($("write-text").value))     // what somebody typed stays
    $("write-text").value = adapter ? writeExamples[adapter] ?? "" : chatExample;
}

// Adapters

async function showAdapters() {
  const adapters = await (await call("adapters", { headers: keyHeader() })).json();
  const classifying = adapters.filter(adapter => adapter.kind === "classification");
  const unchecked = new Set([...document.querySelectorAll("#classify-adapters input:not(:checked)")].map(box => box.value));
  $("classify-adapters").replaceChildren(...classifying.map(({ name }) =>
    element("label", {}, element("input", { type: "checkbox", value: name, checked: !unchecked.has(name), onchange: classifySoon }), name)));
  const chosen = $("write-adapter").value;
  const writers = adapters.filter(adapter => adapter.kind === "generation").map(({ name }) => element("option", { value: name, textContent: name }));
  $("write-adapter").replaceChildren(element("option", { value: "", textContent: "none: chat with the language model" }), ...writers);
  $("write-adapter").value = writers.some(option => option.value === chosen) ? chosen : "";
  $("adapters-list").replaceChildren(...adapters.map(adapterItem));
  showWriteExample();
  classifySoon();
}

function adapterItem({ name, kind, labels, method, virtualTokens, promptTemplate }) {
  const about = [method.toLowerCase().replace("_", " "), virtualTokens ? `${virtualTokens} virtual tokens` : "", labels.length ? labels.join(", ") : promptTemplate && promptTemplate.trim() !== "{text}" ? `writes on “${promptTemplate.trim()}”` : ""];
  return element("li", {},
    element("div", {}, element("strong", { textContent: name }), element("span", { className: "kind", textContent: kind }), element("p", { textContent: about.filter(part => part).join(" · ") })),
    element("button", { type: "button", textContent: "Remove", ariaLabel: `Remove ${name}`, onclick: () => remove(name) }));
}

async function change(action, done) {
  say("adapters-message", "");
  try {
    await action();
    await showAdapters();
    say("adapters-message", done, "good");
  } catch (error) {
    say("adapters-message", reason(error), "bad");
  }
}

const remove = name => change(() => call(`adapters/${name}`, { method: "DELETE", headers: keyHeader() }), `Removed ${name}.`);

function upload(event) {
  event.preventDefault();
  const name = $("upload-name").value;
  const body = new FormData();
  for (const file of $("upload-files").files)
    body.append("files", file);
  return change(() => call(`adapters/${name}`, { method: "PUT", headers: keyHeader(), body }), `${name} is served.`);
}

$("classify-text").addEventListener("input", classifySoon);
$("classify-examples").append(...classifyExamples.map(text => element("button", {
  type: "button", textContent: text.split(/(?<=[.?!])\s/)[0], title: text,
  onclick: () => { $("classify-text").value = text; classifySoon(); },
})));
$("write-form").addEventListener("submit", write);
$("write-stop").addEventListener("click", () => writing.abort());
$("write-adapter").addEventListener("change", showWriteExample);
$("write-temperature").addEventListener("input", event => { $("write-temperature-value").textContent = event.target.value; });
$("upload-form").addEventListener("submit", upload);
$("upload-key").addEventListener("change", () => change(() => {}, ""));
showAdapters().catch(error => say("adapters-message", reason(error), "bad"));
