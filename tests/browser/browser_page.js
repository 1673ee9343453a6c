"use strict";
// A page in a browser of its own, of which pictures can be taken.

const path = require("node:path");

class BrowserPage {
    /** A page without any cookies. `elsewhere` is asked for what is not of `origins`: without it nothing is loaded from elsewhere, wherever this runs. */
    static async blank(browser, size, origins, elsewhere = (route) => route.abort()) {
        const context = await browser.newContext({ viewport: size });
        await context.route((url) => !origins.includes(url.origin), elsewhere);
        return context.newPage();
    }

    /** `pictures`: the folder that screens are written to, or nothing. */
    constructor(page, pictures) {
        Object.assign(this, { page, pictures });
    }

    async close() {
        await this.page.context().close();
    }

    async picture(name) {
        if (this.pictures) {
            await this.page.screenshot({ path: path.join(this.pictures, `${name}.png`), animations: "disabled" });
        }
    }
}

module.exports = { BrowserPage };
