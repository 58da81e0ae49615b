// A file of its own: the page's Content-Security-Policy allows no inline script.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null, // would send the document to a stranger's server
  presets: [SwaggerUIBundle.presets.apis],
});
