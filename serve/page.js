"use strict";

// What can be done with a model. The answer to these is a sample again.
const verbs = ["reconstruct", "encode", "decode", "score", "denoise", "nearest"];
const drawn = ["reconstruct", "denoise", "decode"];
const types = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", npy: "application/x-npy", csv: "text/csv", json: "application/json" };

let token = "";

function ask(path, options = {}) {
	const headers = { ...options.headers };
	if (token) headers.Authorization = "Bearer " + token;
	return fetch(path, { ...options, headers });
}

function element(name, text, className) {
	const e = document.createElement(name);
	if (text !== undefined) e.textContent = text;
	if (className) e.className = className;
	return e;
}

async function problem(response) {
	try {
		return (await response.json()).error;
	} catch {
		return "status " + response.status;
	}
}

// show lists the models, or asks for a token first.
async function show() {
	const state = document.getElementById("state");
	const response = await ask("models");
	document.getElementById("token").hidden = response.status !== 401;
	if (!response.ok) {
		state.textContent = await problem(response);
		return;
	}
	const { models } = await response.json();
	const waiting = models.filter((m) => !m.ready).length;
	state.textContent = models.length + (models.length === 1 ? " model" : " models") + (waiting ? ", " + waiting + " not ready" : ", ready");
	document.getElementById("models").replaceChildren(...models.map(card));
}

function facts(m) {
	if (!m.ready) return "could not be read; the log says why";
	const all = [m.input.join("×") + " → " + m.codes.join("×") + " → " + m.input.join("×")];
	if (m.trained) all.push("trained on " + m.trained);
	if (m.versions.length > 1) all.push("versions " + m.versions.join(", "));
	if (m.references) all.push(m.references + " references");
	return all.join(" · ");
}

function card(m) {
	const section = document.getElementById("model").content.cloneNode(true).firstElementChild;
	section.querySelector("h2").textContent = m.name;
	section.querySelector(".facts").textContent = facts(m);
	const form = section.querySelector("form");
	if (!m.ready) {
		form.remove();
		section.querySelector("details").remove();
		return section;
	}
	const file = form.querySelector("input"), rows = form.querySelector("textarea"), answer = section.querySelector(".answer");
	if (!m.picture) {
		form.querySelector(".file").firstChild.textContent = "A .csv, .npy or .json file";
		file.accept = ".csv,.npy,.json";
	}
	let verb = verbs[0];
	const choose = (name) => {
		verb = name;
		for (const b of form.querySelectorAll(".choices button")) b.setAttribute("aria-pressed", b.textContent === name);
		section.querySelector("pre").textContent = command(m, verb);
	};
	for (const name of verbs) {
		if (!m.verbs.includes(name)) continue;
		const button = element("button", name);
		button.type = "button";
		button.addEventListener("click", () => choose(name));
		form.querySelector(".choices").append(button);
	}
	choose(verb);
	form.querySelector(".sample").addEventListener("click", () => {
		const shape = verb === "decode" ? m.codes : m.input;
		const size = shape.reduce((a, b) => a * b, 1);
		rows.value = JSON.stringify([Array.from({ length: size }, () => Math.round(Math.random() * 100) / 100)]);
		file.value = "";
	});
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		submit(m, verb, file.files[0], rows.value, answer, form.querySelector(".act button"));
	});
	return section;
}

function command(m, verb) {
	const kind = m.picture && verb !== "decode" ? "--data-binary @picture.png -H 'Content-Type: image/png'" : "--data-binary @rows.csv -H 'Content-Type: text/csv'";
	const auth = token ? " -H \"Authorization: Bearer $TOKEN\"" : "";
	return "curl " + location.origin + "/models/" + m.name + "/" + verb + " " + kind + auth;
}

async function submit(m, verb, file, text, answer, button) {
	const body = file || text;
	if (!body) {
		answer.replaceChildren(element("p", "want a file or some rows", "error"));
		return;
	}
	const headers = { "Content-Type": file ? types[file.name.split(".").pop().toLowerCase()] || "application/octet-stream" : "application/json" };
	const one = file ? file.type.startsWith("image/") : true;
	if (m.picture && drawn.includes(verb) && one) headers.Accept = "image/png";
	button.disabled = true;
	try {
		let response = await ask("models/" + m.name + "/" + verb, { method: "POST", headers, body });
		if (response.status === 406) { // several samples are no one picture
			delete headers.Accept;
			response = await ask("models/" + m.name + "/" + verb, { method: "POST", headers, body });
		}
		answer.replaceChildren(...await pieces(response, file));
	} catch (error) {
		answer.replaceChildren(element("p", error.message, "error"));
	} finally {
		button.disabled = false;
	}
}

async function pieces(response, file) {
	if (!response.ok) return [element("p", await problem(response), "error")];
	const type = response.headers.get("Content-Type");
	if (!type.startsWith("image/")) {
		const text = type.includes("npy") ? "an array of " + (await response.blob()).size + " bytes" : await response.text();
		return [element("pre", text.length > 20000 ? text.slice(0, 20000) + " …" : text)];
	}
	const pair = element("div", undefined, "pair");
	if (file && file.type.startsWith("image/")) pair.append(picture(file, "before"));
	pair.append(picture(await response.blob(), "after"));
	return [pair];
}

function picture(blob, caption) {
	const figure = element("figure"), image = element("img");
	image.alt = caption;
	image.src = URL.createObjectURL(blob);
	image.addEventListener("load", () => URL.revokeObjectURL(image.src));
	figure.append(image, element("figcaption", caption));
	return figure;
}

document.getElementById("token").addEventListener("submit", (event) => {
	event.preventDefault();
	token = document.getElementById("token-value").value;
	show();
});
show();
