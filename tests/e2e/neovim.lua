-- What a person does in Neovim with a policy file, and what comes of it, as JSON for `neovim.rs`.
-- Written for Neovim 0.7 and everything after it.

local folder = vim.env.DOORWARD_FOLDER
local patience = 20000
local found = {}

local function wait_for(what, is_there)
  if not vim.wait(patience, is_there, 20) then
    error('still no ' .. what)
  end
end

-- Puts the cursor on the first place of a text, so many bytes behind its beginning.
local function go_to(text, behind)
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  for number, line in ipairs(lines) do
    local at = line:find(text, 1, true)
    if at then
      vim.api.nvim_win_set_cursor(0, { number, at - 1 + behind })
      return number - 1, at - 1
    end
  end
  error('nowhere: ' .. text)
end

local function ask(client, method)
  local params = vim.lsp.util.make_position_params(0, 'utf-16')
  local answers = vim.lsp.buf_request_sync(0, method, params, patience)
  return answers and answers[client] and answers[client].result
end

local function run()
  vim.cmd('edit ' .. vim.fn.fnameescape(folder .. '/policies/access.cedar'))
  local buffer = vim.api.nvim_get_current_buf()
  local client = vim.lsp.start_client({
    name = 'doorward',
    cmd = { vim.env.DOORWARD_BINARY, 'lsp' },
    root_dir = folder,
    on_exit = function(code)
      found.exit = code
    end,
  })
  vim.lsp.buf_attach_client(buffer, client)

  wait_for('findings', function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  found.findings = {}
  for _, finding in ipairs(vim.diagnostic.get(buffer)) do
    table.insert(found.findings, {
      line = finding.lnum,
      column = finding.col,
      severity = finding.severity,
      source = finding.source,
      message = finding.message,
    })
  end

  local line, column = go_to('employes', 0)
  found.mistake = { line = line, column = column - #'Group::"' }
  vim.api.nvim_buf_set_text(buffer, line, column, line, column + #'employes', { 'employees' })
  wait_for('end of the findings', function()
    return #vim.diagnostic.get(buffer) == 0
  end)
  found.mended = true

  go_to('context.device.managed', #'context.device.m')
  found.hover = ask(client, 'textDocument/hover').contents.value

  go_to('context.device.managed', #'context.device.')
  found.completion = {}
  for _, item in ipairs(ask(client, 'textDocument/completion')) do
    table.insert(found.completion, item.label)
  end

  go_to('"sensitive"', 2)
  vim.lsp.buf.definition()
  wait_for('jump to the declaration', function()
    return vim.fn.expand('%:t') == 'entities.toml'
  end)
  found.definition = vim.api.nvim_get_current_line()
  vim.api.nvim_set_current_buf(buffer)

  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, { 'permit(principal,action,resource);' })
  if vim.lsp.buf.format then
    vim.lsp.buf.format({ timeout_ms = patience })
  else
    vim.lsp.buf.formatting_sync(nil, patience)
  end
  found.formatted = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), '\n')

  vim.lsp.stop_client(client)
  wait_for('end of the server', function()
    return found.exit ~= nil
  end)
end

local went_well, why = pcall(run)
if not went_well then
  found.failed = tostring(why)
end
vim.fn.writefile({ vim.fn.json_encode(found) }, vim.env.DOORWARD_ANSWERS)
vim.cmd('qall!')
