// `holdfast/register`: sends the requests of a program through a session. Use it as `node --import holdfast/register app.js`.
import "@holdfast/http/register";
