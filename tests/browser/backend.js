"use strict";
// What the backends of the small sites have in common: one origin with the page, and the SDK on this Gatehouse.

const path = require("node:path");
const esbuild = require("esbuild");
const supertokens = require("supertokens-node");
const { errorHandler } = require("supertokens-node/framework/express");

/** Listens on that port of this machine, or on a free one. */
async function listen(app, port = 0) {
    const listener = await new Promise((started) => {
        const one = app.listen(port, "localhost", () => started(one));
    });
    return { origin: `http://localhost:${listener.address().port}`, close: () => listener.close() };
}

/** The SDK with these recipes. `appInfo`: what differs from a site with its API below /api/auth. */
function initialise(connectionURI, origin, recipeList, appInfo = {}) {
    supertokens.init({
        framework: "express",
        supertokens: { connectionURI, apiKey: process.env.GATEHOUSE_API_KEY || undefined },
        appInfo: { appName: "Site", apiDomain: origin, websiteDomain: origin, apiBasePath: "/api/auth", ...appInfo },
        telemetry: false,
        recipeList,
    });
}

/** Answers whatever is asked for from here on with the page of a folder, its page.jsx. */
function servePage(app, folder, title = "Site") {
    const script = esbuild.buildSync({
        entryPoints: [path.join(folder, "page.jsx")],
        bundle: true,
        write: false,
        jsx: "automatic",
        define: { "process.env.NODE_ENV": '"production"' },
    }).outputFiles[0].text;
    const html = `<!doctype html><meta charset="utf-8"><title>${title}</title><div id="root"></div><script src="/page.js"></script>`;
    app.get("/page.js", (_request, response) => void response.type("js").send(script));
    app.use(errorHandler());
    app.get("*", (_request, response) => void response.type("html").send(html));
}

module.exports = { initialise, listen, servePage };
